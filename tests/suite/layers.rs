//! The table "who may know whom" of ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Crate, own crates that it may know, packages that it must never name.
const LAYERS: &[(&str, &[&str], &[&str])] = &[
    ("diffusion", &[], &["wgpu", "web-sys", "js-sys", "wasm-bindgen", "leptos"]),
    ("storyworld", &[], &["wgpu", "web-sys", "js-sys", "wasm-bindgen", "leptos"]),
    ("shaders", &["diffusion"], &["wgpu", "web-sys", "leptos"]),
    ("model-loader", &[], &["wgpu", "web-sys", "leptos"]),
    ("engine", &["diffusion", "model-loader", "shaders"], &["leptos"]),
    ("cli", &["diffusion", "engine", "model-loader", "storyworld"], &["leptos", "wgpu", "naga"]),
    ("app", &["diffusion", "engine", "model-loader", "shaders", "storyworld"], &["wgpu", "naga"]),
    ("tests", &["diffusion", "engine", "model-loader", "shaders", "storyworld"], &["leptos"]),
    ("xtask", &["shaders"], &["leptos", "wgpu"]),
];

fn metadata() -> Metadata {
    MetadataCommand::new().no_deps().exec().expect("cargo metadata runs")
}

fn dependencies(package: &Package) -> BTreeSet<&str> {
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != DependencyKind::Development)
        .map(|dependency| dependency.name.as_str())
        .collect()
}

#[test]
fn every_crate_knows_only_what_it_may() {
    let metadata = metadata();
    let packages: BTreeMap<&str, &Package> = metadata.packages.iter().map(|p| (p.name.as_str(), p)).collect();
    let own: BTreeSet<&str> = packages.keys().copied().collect();
    for (name, may_know, never) in LAYERS {
        for dependency in dependencies(packages[name]) {
            assert!(
                !own.contains(dependency) || may_know.contains(&dependency),
                "{name} must not know {dependency}"
            );
            assert!(!never.contains(&dependency), "{name} must not name {dependency}");
        }
    }
}

#[test]
fn every_crate_stands_in_the_table_and_in_a_folder_of_its_name() {
    for package in &metadata().packages {
        let name = package.name.as_str();
        assert!(
            LAYERS.iter().any(|(known, ..)| *known == name),
            "{name} is missing from the table of layers"
        );
        let folder = package.manifest_path.parent().and_then(|folder| folder.file_name());
        assert_eq!(folder, Some(name), "the folder of {name} has another name");
    }
}
