//! From manifest and variables to a manifest without templates.

use crate::finding::ManifestError;
use crate::manifest::{Field, Manifest, Source};
use crate::parse::name_fault;
use crate::template;
use crate::variables::Variables;

/// A manifest after variables. Its names are checked: `app` and `namespace` are DNS labels.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The application's name.
    pub app: String,
    /// The environment's name.
    pub env: String,
    /// The namespace.
    pub namespace: String,
    /// Kubernetes objects as YAML documents.
    pub manifests: Option<String>,
    pub(crate) source: Source,
}

/// Resolves every text of `manifest` except its deploy policy. A text stays a text: values are inserted as
/// they are.
///
/// # Errors
/// A malformed template, a missing variable, an unknown function, a spent budget, or a name that is no DNS
/// label afterwards. The error names the place in the file.
pub fn resolve(manifest: &Manifest, variables: &Variables) -> Result<Resolved, ManifestError> {
    let source = &manifest.source;
    Ok(Resolved {
        app: resolve_name(source, Field::App, &manifest.app, variables)?,
        env: resolve_name(source, Field::Env, &manifest.env, variables)?,
        namespace: resolve_name(source, Field::Namespace, &manifest.namespace, variables)?,
        manifests: match &manifest.manifests {
            Some(text) => Some(resolve_text(source, Field::Manifests, text, variables)?),
            None => None,
        },
        source: source.clone(),
    })
}

fn resolve_name(
    source: &Source,
    field: Field,
    text: &str,
    variables: &Variables,
) -> Result<String, ManifestError> {
    let name = resolve_text(source, field, text, variables)?;
    match name_fault(field, &name) {
        Some(fault) => Err(source.error(field, fault)),
        None => Ok(name),
    }
}

fn resolve_text(
    source: &Source,
    field: Field,
    text: &str,
    variables: &Variables,
) -> Result<String, ManifestError> {
    template::render(field.name(), text, variables.as_map())
        .map_err(|error| source.error_inside(field, (error.line, error.column), error.message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{clashes, parse_manifest};

    fn variables() -> Variables {
        [("SHA", "abc"), ("BRANCH", "Feature/X"), ("ODD", "a: 'b'\n{{ .SHA }}"), ("N", "010")]
            .into_iter()
            .collect()
    }

    fn manifest(text: &str) -> Manifest {
        parse_manifest("x.yaml", text).unwrap().manifest
    }

    fn resolved(text: &str) -> Result<Resolved, ManifestError> {
        resolve(&manifest(text), &variables())
    }

    #[test]
    fn every_text_but_the_policy_is_a_template() {
        let text = "\
app: 'web-{{ .BRANCH | sanitizeDNSName }}'
env: '{{ .SHA }}'
namespace: 'ns-{{ .SHA }}'
deploy: {event: push, branch: '{{ .NOPE }'}
manifests: |
  sha: {{ .SHA }}
";
        let text = text.replace("'{{ .NOPE }'", "'{a,.NOPE}'");
        let resolved = resolved(&text).unwrap();
        assert_eq!(resolved.app, "web-feature-x");
        assert_eq!((resolved.env.as_str(), resolved.namespace.as_str()), ("abc", "ns-abc"));
        assert_eq!(resolved.manifests.as_deref(), Some("sha: abc\n"));
    }

    #[test]
    fn a_policy_that_looks_like_a_template_stays_as_it_is() {
        let manifest = manifest(
            "app: a\nenv: e\nnamespace: n\nmanifests: x\ndeploy: {event: push, branch: '{{a,b}}'}\n",
        );
        assert!(resolve(&manifest, &variables()).is_ok());
        assert_eq!(manifest.deploy.unwrap().branch.unwrap().as_str(), "{{a,b}}");
    }

    #[test]
    fn values_are_inserted_verbatim_and_are_not_run() {
        let resolved =
            resolved("app: a\nenv: e\nnamespace: n\nmanifests: \"x {{ .ODD }} {{ .N }}\"\n")
                .unwrap();
        assert_eq!(resolved.manifests.as_deref(), Some("x a: 'b'\n{{ .SHA }} 010"));
    }

    #[test]
    fn names_are_checked_after_variables() {
        for (app, part) in [
            ("{{ .BRANCH }}", "not a valid name"),
            ("{{ \"\" }}", "is empty"),
            ("{{ \"flux\" }}", "reserved"),
            ("{{ repeat 54 `a` }}", "54 characters"),
            ("../{{ .SHA }}", "not a valid name"),
        ] {
            let error = resolved(&format!("app: '{app}'\nenv: e\nnamespace: n\nmanifests: x\n"))
                .unwrap_err();
            assert_eq!(
                (error.path(), error.line(), error.column()),
                ("app", Some(1), Some(6)),
                "{app}"
            );
            assert!(error.message().contains(part), "{app}: {error}");
        }
        let error =
            resolved("app: a\nenv: e\nnamespace: 'N{{ .SHA }}'\nmanifests: x\n").unwrap_err();
        assert_eq!((error.path(), error.line()), ("namespace", Some(3)));
    }

    #[test]
    fn an_error_in_a_literal_block_names_its_place_in_the_file() {
        for (indent, column) in [("  ", 12), ("    ", 14)] {
            let text = format!(
                "app: a\nenv: e\nnamespace: n\nmanifests: |\n\n{indent}a: 1\n{indent}  bb: {{{{ .NOPE }}}}\n"
            );
            let error = resolved(&text).unwrap_err();
            assert_eq!((error.line(), error.column()), (Some(7), Some(column)), "{error}");
            assert!(error.message().contains("variable `NOPE` is not set"), "{error}");
        }
    }

    #[test]
    fn an_error_in_another_text_names_the_field() {
        let error =
            resolved("app: a\nenv: e\nnamespace: n\nmanifests: \"a\\n{{ nope }}\"\n").unwrap_err();
        assert_eq!((error.line(), error.column(), error.path()), (Some(4), Some(12), "manifests"));
        assert!(error.message().contains("function `nope` is not defined"), "{error}");
    }

    #[test]
    fn two_manifests_that_become_one_application_clash() {
        let one = "app: 'a-{{ .SHA }}'\nenv: e\nnamespace: n\nmanifests: x\n";
        let other = "app: a-abc\nenv: e\nnamespace: n\nmanifests: x\n";
        let both: Vec<Resolved> = [("one.yaml", one), ("other.yaml", other)]
            .map(|(file, text)| {
                resolve(&parse_manifest(file, text).unwrap().manifest, &variables()).unwrap()
            })
            .into();
        let errors = clashes(&both);
        assert_eq!(
            errors.iter().map(|error| error.file()).collect::<Vec<_>>(),
            ["one.yaml", "other.yaml"]
        );
        assert!(clashes(&both[..1]).is_empty());
    }
}
