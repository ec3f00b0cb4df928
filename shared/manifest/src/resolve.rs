//! From manifest and variables to a manifest without templates.

use crate::chart::Chart;
use crate::dependency::{Dependency, Module, Terraform};
use crate::finding::{ManifestError, Warning};
use crate::manifest::{Field, Manifest, Source};
use crate::names::app_name_fault;
use crate::parse::name_fault;
use crate::patches::{JsonPatch, PatchTarget};
use crate::template::Scope;
use crate::text::Text;
use crate::values::Values;
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
    /// The chart, and where it comes from.
    pub chart: Option<Chart>,
    /// What the chart is given.
    pub values: Values,
    /// Kubernetes objects as YAML documents.
    pub manifests: Option<String>,
    /// What it probably does not mean, such as values that differ from render to render.
    pub warnings: Vec<Warning>,
    pub(crate) strategic_merge_patches: Option<Text>,
    pub(crate) json_patches: Vec<JsonPatch>,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) source: Source,
}

/// Resolves every text of `manifest` except its deploy and cleanup policies. A text stays a text: values are
/// inserted as they are.
///
/// # Errors
/// A malformed template, a missing variable, an unknown function, a spent budget, a name that is no DNS label
/// afterwards, or a chart that cannot be meant. The error names the place in the file.
pub fn resolve(manifest: &Manifest, variables: &Variables) -> Result<Resolved, ManifestError> {
    let mut resolver = Resolver { manifest, source: &manifest.source, scope: variables.scope() };
    let (app, values) = resolver.app_and_values()?;
    Ok(Resolved {
        env: resolver.name(Field::Env, &manifest.env)?,
        namespace: resolver.name(Field::Namespace, &manifest.namespace)?,
        chart: resolver.chart()?,
        strategic_merge_patches: match &manifest.strategic_merge_patches {
            Some(text) => Some(resolver.text("strategicMergePatches", text)?),
            None => None,
        },
        json_patches: resolver.json_patches()?,
        manifests: match &manifest.manifests {
            Some(text) => Some(resolver.field(Field::Manifests, text)?),
            None => None,
        },
        dependencies: resolver.dependencies()?,
        warnings: resolver.warnings(),
        source: manifest.source.clone(),
        app,
        values,
    })
}

struct Resolver<'m> {
    manifest: &'m Manifest,
    source: &'m Source,
    scope: Scope,
}

impl Resolver<'_> {
    fn app_and_values(&mut self) -> Result<(String, Values), ManifestError> {
        let full = self.field(Field::App, &self.manifest.app)?;
        let app = self.manifest.shortened(full.clone());
        if let Some(fault) = app_name_fault(&app) {
            return Err(self.source.error(Field::App, fault));
        }
        let filled = self.manifest.values.fill(&mut self.scope);
        let mut values = filled.map_err(|fault| {
            let path = format!("values.{}", fault.path);
            self.source.template_error(fault.anchor, path, fault.error)
        })?;
        // The host of a preview starts with its name.
        if app != full
            && let Some(host) = values.text_mut(&["ingress", "host"])
            && let Some(rest) = host.strip_prefix(full.as_str())
        {
            *host = host.with(format!("{app}{rest}"));
        }
        Ok((app, values))
    }

    fn name(&mut self, field: Field, text: &str) -> Result<String, ManifestError> {
        let name = self.field(field, text)?;
        match name_fault(field, &name) {
            Some(fault) => Err(self.source.error(field, fault)),
            None => Ok(name),
        }
    }

    fn field(&mut self, field: Field, text: &str) -> Result<String, ManifestError> {
        self.scope.fill(field.name(), text).map_err(|error| {
            self.source.template_error(self.source.anchor(field), field.name(), error)
        })
    }

    fn text(&mut self, path: &str, text: &Text) -> Result<Text, ManifestError> {
        let filled = self.scope.fill(path, text);
        let filled =
            filled.map_err(|error| self.source.template_error(text.anchor, path, error))?;
        Ok(text.with(filled))
    }

    fn chart(&mut self) -> Result<Option<Chart>, ManifestError> {
        let Some(written) = &self.manifest.chart else { return Ok(None) };
        let mut fields = written.clone();
        fields.repository = self.text("chart.repository", &written.repository)?;
        fields.name = self.text("chart.name", &written.name)?;
        fields.version = self.text("chart.version", &written.version)?;
        let source = fields.source().map_err(|fault| {
            let place = fields.text(&fault).anchor.place.or(self.source.chart);
            self.source.error_at(place, format!("chart.{}", fault.field), fault.message)
        })?;
        Ok(Some(Chart { source, install: fields.install }))
    }

    fn json_patches(&mut self) -> Result<Vec<JsonPatch>, ManifestError> {
        let each = self.manifest.json_patches.iter().enumerate().map(|(index, patch)| {
            let path = |field: &str| format!("json6902Patches[{index}].{field}");
            let target = &patch.target;
            Ok(JsonPatch {
                patch: self.text(&path("patch"), &patch.patch)?,
                target: PatchTarget {
                    group: self.text(&path("target.group"), &target.group)?,
                    version: self.text(&path("target.version"), &target.version)?,
                    kind: self.text(&path("target.kind"), &target.kind)?,
                    name: self.text(&path("target.name"), &target.name)?,
                },
            })
        });
        each.collect()
    }

    fn dependencies(&mut self) -> Result<Vec<Dependency>, ManifestError> {
        let all = self.manifest.dependencies.iter().enumerate();
        let each = all.map(|(index, dependency)| {
            let path = |field: &str| format!("dependencies[{index}].{field}");
            let Terraform { module, values, secret } = &dependency.spec;
            let values = values.fill(&mut self.scope).map_err(|fault| {
                let path = path(&format!("spec.values.{}", fault.path));
                self.source.template_error(fault.anchor, path, fault.error)
            })?;
            let module = Module {
                url: self.text(&path("spec.module.url"), &module.url)?,
                secret: self.optional(&path("spec.module.secret"), module.secret.as_ref())?,
            };
            let secret = self.optional(&path("spec.secret"), secret.as_ref())?;
            Ok(Dependency {
                name: self.text(&path("name"), &dependency.name)?,
                kind: dependency.kind,
                spec: Terraform { module, values, secret },
            })
        });
        each.collect()
    }

    fn optional(&mut self, path: &str, text: Option<&Text>) -> Result<Option<Text>, ManifestError> {
        text.map(|text| self.text(path, text)).transpose()
    }

    fn warnings(&self) -> Vec<Warning> {
        let warn = |function: &&str| {
            let message = format!(
                "`{function}` gives something else for each commit, so that each release changes the application"
            );
            self.source.warning_at(None, "", message)
        };
        self.scope.volatile.iter().map(warn).collect()
    }
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

    #[test]
    fn what_differs_from_release_to_release_is_warned_about() {
        let text =
            "app: a\nenv: e\nnamespace: n\nmanifests: \"{{ now | date `2006` }} {{ uuidv4 }}\"\n";
        let draw = crate::template::Draw { seed: [1; 32], now: 0 };
        let builder = crate::variables::VariablesBuilder::default().drawing(draw);
        let manifest = manifest(text);
        let warnings = resolve(&manifest, &builder.build(&manifest).unwrap()).unwrap().warnings;
        let said: Vec<&str> = warnings.iter().map(|warning| warning.message()).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].starts_with("`now` gives something else"), "{said:?}");
        let error = resolve(&manifest, &variables()).unwrap_err();
        assert!(error.message().contains("is not available here"), "{error}");
    }

    #[test]
    fn every_text_of_the_newer_fields_is_a_template() {
        let text = "\
app: a
env: e
namespace: n
chart: {repository: 'https://{{ .SHA }}.test', name: 'c-{{ .SHA }}', version: '{{ .N }}'}
values: {'{{ .SHA }}': ['{{ .N }}']}
strategicMergePatches: '{{ .SHA }}'
json6902Patches: [{patch: '{{ .SHA }}', target: {kind: '{{ .N }}'}}]
dependencies:
- {name: '{{ .SHA }}', kind: terraform, spec: {module: {url: 'https://x.test/{{ .SHA }}'}, secret: '{{ .N }}'}}
";
        let resolved = resolved(text).unwrap();
        assert_eq!(
            resolved.chart.unwrap().source.to_string(),
            "c-abc of https://abc.test, version 010"
        );
        let Some(crate::values::Tree { kind: crate::values::Kind::List(items), .. }) =
            resolved.values.find(&["abc"])
        else {
            panic!("{:?}", resolved.values);
        };
        assert_eq!(items[0].kind, crate::values::Kind::Text(Text::new("010", Default::default())));
        assert_eq!(resolved.strategic_merge_patches.unwrap().as_str(), "abc");
        let patch = &resolved.json_patches[0];
        assert_eq!((patch.patch.as_str(), patch.target.kind.as_str()), ("abc", "010"));
        let dependency = &resolved.dependencies[0];
        assert_eq!(dependency.name.as_str(), "abc");
        assert_eq!(dependency.spec.module.url.as_str(), "https://x.test/abc");
        assert_eq!(dependency.spec.secret.as_deref(), Some("010"));
    }

    #[test]
    fn a_chart_that_makes_no_sense_after_variables_is_an_error() {
        let text = "app: a\nenv: e\nnamespace: n\nchart:\n  name: '{{ .SHA }}'\n";
        let error = resolved(text).unwrap_err();
        assert_eq!((error.path(), error.line(), error.column()), ("chart.name", Some(5), Some(9)));
        assert!(error.message().contains("`abc` is no built-in chart"), "{error}");
    }
}
