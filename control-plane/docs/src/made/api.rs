//! The reference of the API, made from its OpenAPI document: a page for each subject, a section for each
//! operation.

use serde_json::Value;

use super::{Made, plain, sentence, shapes};
use crate::{front::Begins, markdown::anchor};

/// An operation with where it stands.
struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    body: &'a Value,
}

impl Operation<'_> {
    fn title(&self) -> String {
        let words = self.body["summary"].as_str().or(self.body["description"].as_str());
        let words = words.unwrap_or_default().lines().next().unwrap_or_default();
        words.trim_end_matches('.').to_owned()
    }

    fn anchor(&self) -> String {
        self.body["operationId"].as_str().map_or_else(|| anchor(&self.title()), str::to_owned)
    }

    fn tag(&self) -> &str {
        self.body["tags"][0].as_str().unwrap_or("other")
    }
}

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// A page for each tag, and one for the shapes.
pub(crate) fn pages(document: &Value) -> Vec<Made> {
    let operations = operations(document);
    let mut tags: Vec<&str> = Vec::new();
    for operation in &operations {
        if !tags.contains(&operation.tag()) {
            tags.push(operation.tag());
        }
    }
    let mut pages: Vec<Made> = tags.iter().map(|tag| page(tag, &operations, document)).collect();
    pages.push(Made {
        slug: "api/shapes".to_owned(),
        title: "API: shapes".to_owned(),
        summary: "Every shape of the API's requests and answers, with its fields.".to_owned(),
        begins: Begins::Programs,
        body: shapes::all(document),
    });
    pages
}

/// A table of all operations.
pub(crate) fn list(document: &Value) -> String {
    let mut table = String::from("| operation | what it does |\n| --- | --- |\n");
    for operation in operations(document) {
        table.push_str(&format!(
            "| [`{} {}`](/docs/api/{}#{}) | {} |\n",
            operation.method.to_uppercase(),
            operation.path,
            operation.tag(),
            operation.anchor(),
            sentence(&operation.title())
        ));
    }
    table
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .flat_map(|(path, item)| {
            METHODS
                .into_iter()
                .filter_map(move |method| Some(Operation { method, path, body: item.get(method)? }))
        })
        .collect()
}

fn page(tag: &str, operations: &[Operation<'_>], document: &Value) -> Made {
    let mut of_tag: Vec<_> = operations.iter().filter(|operation| operation.tag() == tag).collect();
    // Whoever tries one after the other still has what the others are about.
    of_tag.sort_by_key(|operation| operation.method == "delete");
    let mut body = String::new();
    for operation in &of_tag {
        describe(&mut body, operation, document);
    }
    let titles: Vec<_> = of_tag.iter().map(|operation| lower(&operation.title())).collect();
    Made {
        slug: format!("api/{tag}"),
        title: format!("API: {tag}"),
        summary: sentence(&titles.join("; ")),
        begins: Begins::Shop,
        body,
    }
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().into_iter().flat_map(char::to_lowercase).chain(chars).collect()
}

fn describe(body: &mut String, operation: &Operation<'_>, document: &Value) {
    let Operation { method, path, body: described } = operation;
    body.push_str(&format!(
        "## {} {{#{}}}\n\n`{} {path}`\n\n",
        plain(&operation.title()),
        operation.anchor(),
        method.to_uppercase()
    ));
    if let Some(text) = described["description"].as_str() {
        let more = text.strip_prefix(operation.title().as_str()).unwrap_or(text);
        let more = more.trim_start_matches('.').trim();
        if !more.is_empty() {
            body.push_str(&format!("{}\n\n", sentence(more)));
        }
    }
    let open = described["security"].as_array().is_some_and(|all| {
        all.iter().any(|one| one.as_object().is_some_and(serde_json::Map::is_empty))
    });
    if open {
        body.push_str("It needs no token.\n\n");
    }
    parameters(body, &described["parameters"]);
    let sent = &described["requestBody"]["content"]["application/json"]["schema"];
    if !sent.is_null() {
        body.push_str(&format!("The body is {}.\n\n", shapes::name_of(sent)));
        let example = shapes::example(sent, document);
        let text = serde_json::to_string_pretty(&example).unwrap_or_default();
        let shape = shapes::referred(sent).map(|name| format!(" shape={name}")).unwrap_or_default();
        body.push_str(&format!("```json{shape}\n{text}\n```\n\n"));
    }
    answers(body, &described["responses"]);
    body.push_str(&curl(operation, open, !sent.is_null()));
}

fn parameters(body: &mut String, parameters: &Value) {
    let Some(parameters) = parameters.as_array().filter(|all| !all.is_empty()) else { return };
    body.push_str("| parameter | in | type | meaning |\n| --- | --- | --- | --- |\n");
    for parameter in parameters {
        let required = if parameter["required"] == true { " (required)" } else { "" };
        body.push_str(&format!(
            "| `{}`{required} | {} | {} | {} |\n",
            parameter["name"].as_str().unwrap_or_default(),
            parameter["in"].as_str().unwrap_or_default(),
            shapes::kind(&parameter["schema"]),
            sentence(parameter["description"].as_str().unwrap_or_default()),
        ));
    }
    body.push('\n');
}

fn answers(body: &mut String, responses: &Value) {
    let Some(responses) = responses.as_object() else { return };
    body.push_str("| answer | body |\n| --- | --- |\n");
    for (status, response) in responses {
        let content = response["content"].as_object().and_then(|kinds| kinds.values().next());
        let shape = content.map(|content| shapes::name_of(&content["schema"]));
        let shape = match shape {
            Some(shape) if status == "4XX" => {
                format!("{shape}, one of the [problems](/docs/problems)")
            }
            Some(shape) => shape,
            None => "none".to_owned(),
        };
        body.push_str(&format!("| {status} | {shape} |\n"));
    }
    body.push('\n');
}

/// A call of the operation. Path parameters are variables of the shell.
fn curl(operation: &Operation<'_>, open: bool, sends: bool) -> String {
    let mut path = operation.path.to_owned();
    while let (Some(begin), Some(end)) = (path.find('{'), path.find('}')) {
        let variable = format!("${}", path[begin + 1..end].to_uppercase());
        path.replace_range(begin..=end, &variable);
    }
    let reads = operation.method == "get" && !streams(operation.body);
    let fence = match operation.method {
        "get" if reads => "sh",
        "get" => "sh stream",
        _ if operation.path.ends_with("/device/token") => {
            "sh shown=\"answers once a person has approved the login in a browser\""
        }
        _ => "sh request",
    };
    let mut command = String::from("curl --fail-with-body --silent");
    if operation.method != "get" {
        command.push_str(&format!(" --request {}", operation.method.to_uppercase()));
    }
    if !open {
        command.push_str(" \\\n  --header \"Authorization: Bearer $GIMLET_TOKEN\"");
    }
    if sends {
        command.push_str(" \\\n  --json @request.json");
    }
    format!("```{fence}\n{command} \\\n  \"$GIMLET_SERVER{path}\"\n```\n\n")
}

fn streams(operation: &Value) -> bool {
    operation["responses"]["200"]["content"].get("text/event-stream").is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Value {
        json!({
            "paths": {
                "/api/v1/apps/{app}": {"get": {
                    "tags": ["apps"], "operationId": "app", "summary": "One application.",
                    "parameters": [{"name": "app", "in": "path", "required": true, "schema": {"type": "string"}}],
                    "responses": {
                        "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/App"}}}},
                        "4XX": {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
                    }
                }}
            },
            "components": {"schemas": {"App": {"type": "object", "properties": {"name": {"type": "string"}}}}}
        })
    }

    #[test]
    fn an_operation_has_a_section_with_parameters_answers_and_a_call() {
        let pages = pages(&document());
        assert_eq!(pages[0].slug, "api/apps");
        for part in [
            "## One application {#app}",
            "| `app` (required) | path | text |",
            "| 200 | [App](/docs/api/shapes#app) |",
            "```sh\ncurl --fail-with-body --silent \\\n  --header \"Authorization: Bearer $GIMLET_TOKEN\" \\\n  \"$GIMLET_SERVER/api/v1/apps/$APP\"\n```",
        ] {
            assert!(pages[0].body.contains(part), "{part}: {}", pages[0].body);
        }
        assert!(
            list(&document())
                .contains("| [`GET /api/v1/apps/{app}`](/docs/api/apps#app) | One application. |")
        );
    }
}
