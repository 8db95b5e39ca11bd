//! The direction of dependencies, against `cargo metadata`.

use std::io;
use std::path::Path;

use serde_json::Value;

use super::Finding;
use crate::project;

/// What each package may depend on within the workspace. A front end and a
/// back end never name each other; they meet in the IR.
const MAY_USE: [(&str, &[&str]); 12] = [
    ("skxc-diagnostics", &[]),
    ("skxc-ir", &["skxc-diagnostics"]),
    ("skxc-passes", &["skxc-diagnostics", "skxc-ir"]),
    ("skxc-lowering", &["skxc-diagnostics", "skxc-ir"]),
    ("skxc-frontend-onnx", &["skxc-diagnostics", "skxc-ir"]),
    ("skxc-backend-common", &["skxc-ir", "skxc-lowering"]),
    ("skxc-backend-c", &["skxc-ir", "skxc-lowering", "skxc-backend-common"]),
    (
        "skxc-backend-bpf",
        &["skxc-ir", "skxc-lowering", "skxc-backend-common", "skxc-backend-c", "skxc-runtime"],
    ),
    ("skxc-runtime", &[]),
    ("skxc-bpf", &[]),
    ("skxc-equivalence", &["skxc-ir", "skxc-passes", "skxc-bpf", "skxc-runtime"]),
    ("xtask", &[]),
];

/// Packages that may depend on anything of ours.
const ABOVE_ALL: [&str; 4] = ["skxc", "skxc-calibrate", "skxc-fuzz", "skxc-tests"];

/// Where a crate of others must stay, by the start of its name.
const STAYS_AT: [(&str, &[&str]); 7] = [
    ("prost-build", &["xtask"]),
    ("prost-reflect", &["skxc-tests"]),
    ("protox", &["xtask", "skxc-tests"]),
    ("prost", &["skxc-frontend-onnx", "xtask"]),
    ("libbpf", &["skxc-bpf"]),
    ("tract", &["skxc-equivalence"]),
    ("clap", &["skxc"]),
];

/// Checks every package of the workspace.
pub(super) fn check(root: &Path) -> io::Result<Vec<Finding>> {
    let metadata = project::metadata(root)?;
    Ok(metadata["packages"].as_array().into_iter().flatten().flat_map(check_package).collect())
}

fn check_package(package: &Value) -> Vec<Finding> {
    let name = package["name"].as_str().unwrap_or_default();
    let mut findings = Vec::new();
    for dependency in package["dependencies"].as_array().into_iter().flatten() {
        let used = dependency["name"].as_str().unwrap_or_default();
        let ours = dependency["path"].is_string();
        // Tests may look at more than the code they test.
        let of_tests = dependency["kind"].as_str() == Some("dev");
        if ours && !of_tests && !may_use(name, used) {
            findings.push(Finding::new(name, format!("must not depend on `{used}`")));
        }
        let stays = STAYS_AT.iter().find(|(prefix, _)| used.starts_with(prefix));
        if let Some((_, at)) = stays.filter(|(_, at)| !ours && !at.contains(&name)) {
            findings.push(Finding::new(name, format!("`{used}` stays at {}", at.join(", "))));
        }
    }
    findings
}

fn may_use(package: &str, used: &str) -> bool {
    let allowed = MAY_USE.iter().find(|(name, _)| *name == package);
    ABOVE_ALL.contains(&package) || allowed.is_some_and(|(_, allowed)| allowed.contains(&used))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(name: &str, dependency: Value) -> Vec<Finding> {
        check_package(&json!({ "name": name, "dependencies": [dependency] }))
    }

    #[test]
    fn a_back_end_does_not_know_a_front_end() {
        let findings =
            check("skxc-backend-c", json!({ "name": "skxc-frontend-onnx", "path": "x" }));
        assert_eq!(findings.len(), 1);
        assert!(check("skxc-backend-c", json!({ "name": "skxc-ir", "path": "x" })).is_empty());
    }

    #[test]
    fn a_package_that_no_table_knows_may_use_nothing() {
        assert_eq!(check("new", json!({ "name": "skxc-ir", "path": "x" })).len(), 1);
    }

    #[test]
    fn crates_of_others_stay_where_they_are() {
        assert_eq!(check("skxc-ir", json!({ "name": "prost" })).len(), 1);
        assert!(check("skxc-frontend-onnx", json!({ "name": "prost" })).is_empty());
        assert_eq!(check("skxc-frontend-onnx", json!({ "name": "prost-build" })).len(), 1);
    }
}
