//! `unmask`: the project's models on the command line. Generate text, look into a model file, measure a bound, put a
//! decoding schedule under test.
//!
//! Results go to standard output, everything else to standard error. Exit code 0 is success, 2 is a fault of
//! the input (arguments, files, prompts), 3 a limit that a schedule has passed, 1 any other failure while running.

mod arguments;
mod continuous;
mod diagnose;
mod eval;
mod exact;
mod failure;
mod generate;
mod guides;
mod head;
mod hybrid;
mod info;
mod language;
mod model;
mod output;
mod prompt;
mod scorecard;
mod sweep;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Generate(arguments) => pollster::block_on(generate::generate(&arguments)),
        Command::Info(arguments) => info::info(&arguments),
        Command::Eval(arguments) => pollster::block_on(eval::eval(&arguments)),
        Command::Diagnose(arguments) => pollster::block_on(diagnose::diagnose(&arguments)),
        Command::Scorecard(arguments) => pollster::block_on(scorecard::scorecard(&arguments)),
        Command::Exact(arguments) => exact::exact(&arguments),
        Command::Sweep(arguments) => pollster::block_on(sweep::sweep(&arguments)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::message(&format!("unmask: {failure}"));
            failure.exit_code()
        }
    }
}
