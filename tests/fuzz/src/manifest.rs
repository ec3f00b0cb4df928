//! A manifest file of somebody's repository, taken the whole way from text to the files of a commit.

use gimlet_git::RepoPath;
use gimlet_manifest::{
    ArtifactFacts, Draw, EventKind, GitEvent, Manifest, Preparation, RenderInputs, Variables,
    app_to_clean_up, parse_dotenv, parse_manifest, parse_manifest_json, prepare_preview, render,
    resolve, would_release,
};

/// Parses the input as YAML, JSON and dotenv, decides, resolves and renders what was taken.
///
/// # Panics
/// When the same text gives two results, a taken name could leave its place, or a rendered file lies
/// outside the repository.
pub fn manifest(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(variables) = parse_dotenv(&text) {
        assert!(variables.keys().all(|name| !name.is_empty()), "a variable without a name");
    }
    if let Ok(value) = serde_json::from_slice::<serde_json::Value>(input)
        && let Ok(parsed) = parse_manifest_json("pushed", &value)
    {
        deploy(&parsed.manifest);
    }
    match parse_manifest(".gimlet/web.yaml", &text) {
        Ok(parsed) => deploy(&parsed.manifest),
        Err(error) => assert!(!error.to_string().is_empty(), "an error without words"),
    }
}

fn deploy(manifest: &Manifest) {
    let event = GitEvent {
        event: EventKind::Push,
        branch: "main",
        tag: "",
        message: "Fix tax\n\nLonger text.",
        source_branch: "",
        target_branch: "",
    };
    if let Some(policy) = &manifest.deploy {
        let decision = would_release(policy, &event);
        assert!(!decision.reason.is_empty(), "a decision without a reason");
    }
    if let Ok(Some(app)) = app_to_clean_up(manifest, "feature/x{{", "main") {
        assert!(gimlet_manifest::is_dns_label(&app), "{app:?}");
    }
    match prepare_preview(manifest, "feature/x{{", Some("example.com"), "main") {
        Preparation::Preview(preview) => fill_in(&preview),
        Preparation::Ordinary | Preparation::NotPreviewed => {}
    }
    fill_in(manifest);
}

fn fill_in(manifest: &Manifest) {
    let builder = Variables::for_artifact(&facts()).drawing(Draw::default());
    let Ok(variables) = builder.build(manifest) else { return };
    let Ok(resolved) = resolve(manifest, &variables) else { return };
    assert!(gimlet_manifest::is_dns_label(&resolved.namespace), "{:?}", resolved.namespace);
    assert!(gimlet_manifest::is_dns_label(&resolved.app), "{:?}", resolved.app);
    let inputs = RenderInputs::default();
    let Ok(rendered) = render(&resolved, &inputs) else { return };
    let again = render(&resolved, &inputs).expect("what was rendered once renders again");
    for (file, same) in rendered.files.iter().zip(&again.files) {
        assert_eq!(file.content, same.content, "two renders differ");
        assert!(file.path.parse::<RepoPath>().is_ok(), "{:?} leaves the repository", file.path);
    }
}

fn facts() -> ArtifactFacts<'static> {
    ArtifactFacts {
        repository: "acme/shop",
        event: EventKind::Push,
        branch: "main",
        tag: "",
        sha: "8f31c2a09d1e4b7788990011223344556677aabb",
        actor: "ana",
        job: "12",
        url: "https://git.example.com/acme/shop",
        message: "Fix tax",
        source_branch: "",
        target_branch: "",
    }
}
