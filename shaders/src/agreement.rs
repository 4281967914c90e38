//! Holds each Rust description against its WGSL, and the WGSL against what every browser offers.

use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, GlobalVariable, Module, ScalarKind, StorageAccess, TypeInner};

use crate::kernel::{Access, Element, Kernel};
use crate::kernels::CATALOGUE;

/// Limits that WebGPU guarantees on every device.
const STORAGE_BUFFERS: usize = 8;
const WORKGROUP_BYTES: u32 = 16_384;
const INVOCATIONS: u32 = 256;
const INVOCATIONS_Z: u32 = 64;

fn parse(kernel: &Kernel) -> Module {
    let text = kernel.wgsl();
    let module = naga::front::wgsl::parse_str(&text)
        .unwrap_or_else(|error| panic!("{}: {}", kernel.name, error.emit_to_string(&text)));
    // No capability beyond the baseline of the web, which has `unpack2x16float` without any extension.
    Validator::new(ValidationFlags::all(), Capabilities::SHADER_FLOAT16_IN_FLOAT32)
        .validate(&module)
        .unwrap_or_else(|error| panic!("{}: {}", kernel.name, error.emit_to_string(&text)));
    module
}

/// The variable at group 0, `binding`.
fn variable<'m>(kernel: &Kernel, module: &'m Module, binding: usize) -> &'m GlobalVariable {
    let place = naga::ResourceBinding { group: 0, binding: binding as u32 };
    module
        .global_variables
        .iter()
        .map(|(_, variable)| variable)
        .find(|variable| variable.binding == Some(place))
        .unwrap_or_else(|| panic!("{}: nothing at binding {binding}", kernel.name))
}

/// The scalars that one value of the type consists of, in memory order.
fn scalars(module: &Module, inner: &TypeInner) -> Vec<Element> {
    let element = |kind| match kind {
        ScalarKind::Float => Element::F32,
        ScalarKind::Uint => Element::U32,
        other => panic!("no buffer holds {other:?}"),
    };
    let of = |handle| scalars(module, &module.types[handle].inner);
    match inner {
        TypeInner::Scalar(scalar) | TypeInner::Atomic(scalar) => vec![element(scalar.kind)],
        TypeInner::Vector { size, scalar } => vec![element(scalar.kind); *size as usize],
        TypeInner::Array { base, size: naga::ArraySize::Constant(count), .. } => {
            of(*base).repeat(count.get() as usize)
        }
        TypeInner::Array { base, .. } => of(*base),
        TypeInner::Struct { members, .. } => members.iter().flat_map(|m| of(m.ty)).collect(),
        other => panic!("no buffer holds {other:?}"),
    }
}

#[test]
fn every_shader_is_valid_and_has_its_entry_point() {
    for kernel in CATALOGUE {
        let module = parse(kernel);
        let entries: Vec<_> = module.entry_points.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(entries, [kernel.entry], "{}", kernel.name);
        assert!(kernel.name.starts_with(kernel.entry), "{} is named for {}", kernel.name, kernel.entry);
    }
}

#[test]
fn bindings_are_as_described() {
    for kernel in CATALOGUE {
        let module = parse(kernel);
        let count = module.global_variables.iter().filter(|(_, v)| v.binding.is_some()).count();
        assert_eq!(count, 1 + kernel.bindings.len(), "{}", kernel.name);
        for (i, binding) in kernel.bindings.iter().enumerate() {
            let variable = variable(kernel, &module, i + 1);
            assert_eq!(variable.name.as_deref(), Some(binding.name), "{}", kernel.name);
            let writes = match variable.space {
                AddressSpace::Storage { access } => access.contains(StorageAccess::STORE),
                other => panic!("{}: `{}` is in {other:?}", kernel.name, binding.name),
            };
            assert_eq!(writes, binding.access == Access::ReadWrite, "{}: {}", kernel.name, binding.name);
            let found = scalars(&module, &module.types[variable.ty].inner);
            let expected: Vec<_> = (0..found.len()).map(|word| binding.meaning(word)).collect();
            // A buffer of records may be bound as plain words, to be written bit by bit.
            let plain_words = !binding.record.is_empty() && found == [Element::U32];
            assert!(found == expected || plain_words, "{}: {} holds {found:?}", kernel.name, binding.name);
            let whole_record = plain_words || found.len().is_multiple_of(binding.record.len().max(1));
            assert!(whole_record, "{}: {}", kernel.name, binding.name);
        }
    }
}

#[test]
fn params_have_the_size_of_their_struct() {
    for kernel in CATALOGUE {
        let module = parse(kernel);
        let variable = variable(kernel, &module, 0);
        assert_eq!(variable.name.as_deref(), Some("params"), "{}", kernel.name);
        assert_eq!(variable.space, AddressSpace::Uniform, "{}", kernel.name);
        let size = module.types[variable.ty].inner.size(module.to_ctx());
        assert_eq!(size as usize, kernel.params_size, "{}", kernel.name);
    }
}

#[test]
fn overrides_are_as_described() {
    for kernel in CATALOGUE {
        let module = parse(kernel);
        let mut found: Vec<_> = module.overrides.iter().filter_map(|(_, o)| o.name.as_deref()).collect();
        let mut expected = kernel.overrides.to_vec();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{}", kernel.name);
        for case in (kernel.cases)(1) {
            let unknown = case.overrides.iter().find(|(name, _)| !kernel.overrides.contains(name));
            assert_eq!(unknown, None, "{}: {}", kernel.name, case.label);
        }
    }
}

#[test]
fn shaders_stay_within_what_every_device_offers() {
    for kernel in CATALOGUE {
        let module = parse(kernel);
        assert!(kernel.bindings.len() <= STORAGE_BUFFERS, "{}", kernel.name);
        let workgroup = module.global_variables.iter().filter(|(_, v)| v.space == AddressSpace::WorkGroup);
        let bytes: u32 =
            workgroup.map(|(_, v)| module.types[v.ty].inner.size(module.to_ctx()).next_multiple_of(16)).sum();
        assert!(bytes <= WORKGROUP_BYTES, "{}: {bytes} bytes", kernel.name);
        let [x, y, z] = module.entry_points[0].workgroup_size;
        assert!(x * y * z <= INVOCATIONS && z <= INVOCATIONS_Z, "{}: {x} x {y} x {z}", kernel.name);
    }
}

#[test]
fn no_shader_asks_for_an_extension() {
    for kernel in CATALOGUE {
        for line in kernel.wgsl().lines() {
            let code = line.split("//").next().unwrap_or_default();
            let words: Vec<_> = code.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            for forbidden in ["enable", "requires", "f16"] {
                assert!(!words.contains(&forbidden), "{}: {line}", kernel.name);
            }
        }
    }
}

#[test]
fn cases_fit_their_bindings_and_cover_odd_shapes() {
    for kernel in CATALOGUE {
        let cases = (kernel.cases)(3);
        assert!(cases.len() > 1, "{}", kernel.name);
        for case in &cases {
            assert_eq!(case.params.len(), kernel.params_size, "{}: {}", kernel.name, case.label);
            assert_eq!(case.buffers.len(), kernel.bindings.len(), "{}: {}", kernel.name, case.label);
            for (binding, values) in kernel.bindings.iter().zip(&case.buffers) {
                let same = matches!(
                    (binding.element, values),
                    (Element::F32, crate::Values::F64(_)) | (Element::U32, crate::Values::U32(_))
                );
                assert!(same, "{}: {} of {}", kernel.name, binding.name, case.label);
            }
        }
    }
}

#[test]
fn every_reference_changes_what_it_writes_and_nothing_else() {
    for kernel in CATALOGUE {
        for case in (kernel.cases)(5) {
            let after = case.expected(kernel);
            for (i, binding) in kernel.bindings.iter().enumerate() {
                let changed = after[i] != case.buffers[i];
                let writes = binding.access == Access::ReadWrite;
                assert_eq!(changed, writes, "{}: {} of {}", kernel.name, binding.name, case.label);
            }
            assert_eq!(case.check(kernel, &after, &after), Ok(()), "{}: {}", kernel.name, case.label);
            assert!(case.check(kernel, &after, &case.buffers).is_err(), "{}: {}", kernel.name, case.label);
        }
    }
}
