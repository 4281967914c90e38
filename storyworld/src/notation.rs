//! The notation in which the grammar's rules are written, and its reader.
//!
//! ```text
//! rule meet(x)                      a rule; x stands for a slot that the caller names
//! - 3: $x ~see/x +$pet .            an alternative of weight 3 (1 when none is given)
//! - <greet x> { hello | 2: hi } .   <rule slots> calls a rule, { | } chooses, [.3: ...] is there with chance .3
//! ```
//!
//! | item | what it does |
//! |---|---|
//! | `word` | writes the word |
//! | `+pet` | draws the slot `pet` from its class; `+$pet` draws it and writes it |
//! | `tense=past` | sets a slot to an entry |
//! | `$pet` | writes the noun in the slot; `$pet.food` writes a field of its entry |
//! | `$pet.he` | writes a pronoun for it: `he`, `him`, `his`, `himself`, also `child` (boy, girl) |
//! | `~run/pet` | writes the verb in the story's tense, agreeing with the slot; the subject may also be `I`, `they` or `it` |
//! | `~toy.play/pet` | the same with the verb in a field |
//! | `~!run/pet` | the same in the present tense, whatever the story's |
//! | `a/adjective`, `a/adjective.noun` | writes "a" or "an" to fit the first slot; "some" where the last is plural or mass |

use std::fmt;

/// What is wrong with a grammar text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotationError {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong, in a few words.
    pub problem: String,
}

impl fmt::Display for NotationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "grammar text, line {}: {}", self.line, self.problem)
    }
}

impl std::error::Error for NotationError {}

/// A piece of a rule's right-hand side.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// One item, as described in the table above.
    Item(String),
    /// One after the other.
    Sequence(Vec<Expression>),
    /// One of several, with weights.
    Choice(Vec<(f64, Expression)>),
    /// A rule with its arguments.
    Call(Vec<String>),
}

/// A named rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// Names that stand for slots within it.
    pub parameters: Vec<String>,
    /// Its alternatives.
    pub body: Expression,
    /// Line of its head, from 1.
    pub line: usize,
}

/// Reads all rules of a text.
pub fn parse_rules(text: &str) -> Result<Vec<Rule>, NotationError> {
    let mut rules = Vec::new();
    let mut block: Vec<(usize, String)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.starts_with("rule ") && !block.is_empty() {
            rules.push(parse_rule(&block)?);
            block.clear();
        }
        if !line.is_empty() {
            block.push((index + 1, line.to_string()));
        }
    }
    if !block.is_empty() {
        rules.push(parse_rule(&block)?);
    }
    Ok(rules)
}

fn parse_rule(block: &[(usize, String)]) -> Result<Rule, NotationError> {
    let (line, head) = &block[0];
    let fail = |line: usize, problem: &str| NotationError { line, problem: problem.to_string() };
    let head = head.strip_prefix("rule ").ok_or_else(|| fail(*line, "text before the first rule"))?;
    let (name, parameters) = head.split_once('(').unwrap_or((head, ""));
    let parameters = parameters.trim_end_matches(')').split_whitespace().map(str::to_string).collect();
    let mut alternatives: Vec<(usize, String)> = Vec::new();
    for (line, text) in &block[1..] {
        match (text.strip_prefix("- "), alternatives.last_mut()) {
            (Some(text), _) => alternatives.push((*line, text.to_string())),
            (None, Some((_, open))) => *open = format!("{open} {text}"),
            (None, None) => return Err(fail(*line, "an alternative begins with a dash")),
        }
    }
    let mut choices = Vec::new();
    for (line, text) in &alternatives {
        let mut reader = Reader { items: text.split_whitespace().collect(), next: 0 };
        let alternative = reader.alternative().and_then(|parsed| reader.finish(parsed));
        choices.push(alternative.map_err(|problem| fail(*line, &problem))?);
    }
    if choices.is_empty() {
        return Err(fail(*line, "rule without alternatives"));
    }
    Ok(Rule { name: name.trim().to_string(), parameters, body: Expression::Choice(choices), line: *line })
}

/// Reads a weight: a positive, finite number.
pub(crate) fn parse_weight(text: &str) -> Result<f64, String> {
    let weight: Option<f64> = text.parse().ok().filter(|weight: &f64| weight.is_finite() && *weight > 0.0);
    weight.ok_or_else(|| format!("weight is not a positive number: {text}"))
}

struct Reader<'a> {
    items: Vec<&'a str>,
    next: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.items.get(self.next).copied()
    }

    fn finish<T>(&self, parsed: T) -> Result<T, String> {
        self.peek().map_or(Ok(parsed), |item| Err(format!("unexpected {item}")))
    }

    /// A weight such as `3:`, if one stands here.
    fn weight(&mut self) -> Result<Option<f64>, String> {
        let Some(number) = self.peek().and_then(|item| item.strip_suffix(':')) else { return Ok(None) };
        self.next += 1;
        parse_weight(number).map(Some)
    }

    fn alternative(&mut self) -> Result<(f64, Expression), String> {
        let weight = self.weight()?.unwrap_or(1.0);
        Ok((weight, self.sequence()?))
    }

    fn sequence(&mut self) -> Result<Expression, String> {
        let mut parts = Vec::new();
        while let Some(item) = self.peek() {
            match item {
                "|" | "}" | "]" => break,
                "{" => parts.push(self.choice()?),
                _ if item.starts_with('[') => parts.push(self.optional()?),
                _ if item.starts_with('<') => parts.push(self.call()?),
                _ => {
                    self.next += 1;
                    parts.push(Expression::Item(item.to_string()));
                }
            }
        }
        Ok(Expression::Sequence(parts))
    }

    fn choice(&mut self) -> Result<Expression, String> {
        let mut alternatives = Vec::new();
        loop {
            self.next += 1; // the opening brace or a bar
            alternatives.push(self.alternative()?);
            match self.peek() {
                Some("|") => {}
                Some("}") => break,
                _ => return Err("choice without its closing brace".to_string()),
            }
        }
        self.next += 1;
        Ok(Expression::Choice(alternatives))
    }

    fn optional(&mut self) -> Result<Expression, String> {
        let chance = self.peek().unwrap_or_default().trim_start_matches('[').trim_end_matches(':');
        let chance: f64 = chance.parse().map_err(|_| format!("chance is not a number: {chance}"))?;
        self.next += 1;
        let inside = self.sequence()?;
        if self.peek() != Some("]") || !(0.0..1.0).contains(&chance) {
            return Err("optional part without its closing bracket or with a chance outside 0..1".to_string());
        }
        self.next += 1;
        Ok(Expression::Choice(vec![(chance, inside), (1.0 - chance, Expression::Sequence(Vec::new()))]))
    }

    fn call(&mut self) -> Result<Expression, String> {
        let mut names = Vec::new();
        while let Some(item) = self.peek() {
            self.next += 1;
            names.push(item.trim_matches(['<', '>']).to_string());
            if item.ends_with('>') {
                return Ok(Expression::Call(names));
            }
        }
        Err("call without its closing angle".to_string())
    }
}
