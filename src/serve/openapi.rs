//! `/openapi.json`: what the routes are, what goes in and what comes out. One entry for each route; a test asks a server
//! for all of them.

use axum::Json;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem,
    PathsBuilder,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, ObjectBuilder, OpenApi, OpenApiBuilder,
    ResponseBuilder, ResponsesBuilder, SecurityRequirement,
};

/// A route.
pub(super) struct Route {
    /// `get`, `post` or `delete`.
    pub method: &'static str,
    /// Its path, with parameters in braces.
    pub path: &'static str,
    /// The dialect.
    tag: &'static str,
    /// What it does.
    summary: &'static str,
    /// Names and meanings of the parameters in the query.
    query: &'static [(&'static str, &'static str)],
    /// Media types of the body; none without one.
    body: &'static [&'static str],
    /// Media type of the answer.
    answer: &'static str,
    /// A key is needed, if the server has keys.
    is_open: bool,
}

const JSON: &str = "application/json";
const FORM: &str = "multipart/form-data";
const NDJSON: &str = "application/x-ndjson";
const TEXT: &str = "text/plain";

const OPEN: Route = Route {
    method: "get",
    path: "",
    tag: "operations",
    summary: "",
    query: &[],
    body: &[],
    answer: JSON,
    is_open: true,
};
const JOBS: Route = Route {
    tag: "jobs",
    is_open: false,
    ..OPEN
};
const REFERENCE: Route = Route {
    method: "post",
    tag: "PaddleOCR-VL service",
    body: &[JSON],
    ..JOBS
};
const PP_OCR: Route = Route {
    tag: "PP-OCR service",
    ..JOBS
};
const DOCLING: Route = Route {
    tag: "docling's service",
    ..REFERENCE
};

/// All routes.
#[rustfmt::skip]
pub(super) const ROUTES: &[Route] = &[
    Route { path: "/livez", summary: "Whether the engine moves, or has nothing to do", ..OPEN },
    Route { path: "/startupz", summary: "Whether the server has started", ..OPEN },
    Route { path: "/readyz", summary: "Whether the server takes work", ..OPEN },
    Route { path: "/health", summary: "The same, with the keys of the services that have this route", ..OPEN },
    Route { path: "/version", summary: "The version", ..OPEN },
    Route { path: "/metrics", summary: "Numbers for Prometheus", answer: TEXT, ..OPEN },
    Route { path: "/openapi.json", summary: "This description", ..OPEN },
    Route { path: "/v1/capabilities", summary: "Limits, formats, kinds of files, settings of jobs", ..JOBS },
    Route {
        method: "post", path: "/v1/jobs", summary: "Order the parsing of files; 202 with the job, or 200 if it has ended",
        query: &[
            ("wait", "Seconds to wait for the end"), ("name", "Name of the file, where the body is one"),
            ("formats", "Formats, as in md,json"), ("pages", "Pages, as in 1-3,7"), ("settings", "Settings, as a JSON object"),
            ("webhook", "Address that is told of the end"),
        ],
        body: &[FORM, JSON, "application/octet-stream"], ..JOBS
    },
    Route {
        path: "/v1/jobs", summary: "The jobs of the API key, newest first",
        query: &[("state", "Only those in this state"), ("limit", "Most of them")], ..JOBS
    },
    Route { path: "/v1/jobs/{id}", summary: "A job", query: &[("wait", "Seconds to wait for the end")], ..JOBS },
    Route {
        method: "delete", path: "/v1/jobs/{id}", summary: "Cancel a job",
        query: &[("purge", "true: remove it with its results")], ..JOBS
    },
    Route {
        path: "/v1/jobs/{id}/pages", summary: "Pages as they are finished, a line of JSON each, or their Markdown",
        query: &[("format", "ndjson or md"), ("final", "true: only pages that nothing changes any more")],
        answer: NDJSON, ..JOBS
    },
    Route { path: "/v1/jobs/{id}/events", summary: "Every change of a job, as Server-Sent Events", answer: "text/event-stream", ..JOBS },
    Route { path: "/v1/jobs/{id}/result", summary: "All outputs, as a zip", answer: "application/zip", ..JOBS },
    Route { path: "/v1/jobs/{id}/result/{name}", summary: "One output", answer: "application/octet-stream", ..JOBS },
    Route { path: "/", summary: "The page for people; for others, what serves here", ..OPEN },
    Route { path: "/ready", summary: "As /readyz, for clients of docling's service", ..OPEN },
    Route { path: "/layout-parsing", summary: "Parse a file", ..REFERENCE },
    Route { path: "/restructure-pages", summary: "Tables, headings and pages of results of before, joined", ..REFERENCE },
    Route { path: "/system/info", summary: "Versions, GPUs, folders", ..PP_OCR },
    Route { method: "post", path: "/ocr", summary: "The text of a file", body: &[FORM], answer: TEXT, ..PP_OCR },
    Route { method: "post", path: "/ocr/json", summary: "The text of a file, with facts about it", body: &[FORM], ..PP_OCR },
    Route { method: "post", path: "/ocr/debug", summary: "The lines of a picture, with boxes and confidence", body: &[FORM], ..PP_OCR },
    Route { path: "/v1/convert/file", summary: "Convert files, and wait", body: &[FORM], ..DOCLING },
    Route { path: "/v1/convert/file/async", summary: "Convert files; a task", body: &[FORM], ..DOCLING },
    Route { path: "/v1/convert/source", summary: "Convert files in base64, or addresses, and wait", ..DOCLING },
    Route { path: "/v1/convert/source/async", summary: "Convert files in base64, or addresses; a task", ..DOCLING },
    Route {
        method: "get", path: "/v1/status/poll/{id}", summary: "State of a task", body: &[],
        query: &[("wait", "Seconds to wait for the end")], ..DOCLING
    },
    Route { method: "get", path: "/v1/result/{id}", summary: "Result of a task", body: &[], ..DOCLING },
];

/// The names in braces of a path.
fn names_in(path: &str) -> impl Iterator<Item = &str> {
    path.split('{')
        .skip(1)
        .filter_map(|part| part.split('}').next())
}

fn parameter(place: ParameterIn, name: &str, what: &str) -> Parameter {
    let is_required = place == ParameterIn::Path;
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .description(Some(what))
        .required(match is_required {
            true => utoipa::openapi::Required::True,
            false => utoipa::openapi::Required::False,
        })
        .schema(Some(
            ObjectBuilder::new().schema_type(utoipa::openapi::schema::Type::String),
        ))
        .build()
}

fn operation(route: &Route) -> Operation {
    let of_path = names_in(route.path).map(|name| {
        let what = match name {
            "id" => "Id of the job",
            _ => "Name of the output, as the job lists it",
        };
        parameter(ParameterIn::Path, name, what)
    });
    let of_query = route.query.iter();
    let of_query = of_query.map(|(name, what)| parameter(ParameterIn::Query, name, what));
    let parameters: Vec<Parameter> = of_path.chain(of_query).collect();
    let content = || {
        ContentBuilder::new()
            .schema(Some(ObjectBuilder::new()))
            .build()
    };
    let done = ResponseBuilder::new()
        .description("Done")
        .content(route.answer, content());
    let refused = ResponseBuilder::new()
        .description("Refused; the body says why")
        .content(JSON, content());
    let responses = ResponsesBuilder::new()
        .response("200", done)
        .response("default", refused);
    let mut built = OperationBuilder::new()
        .tag(route.tag)
        .summary(Some(route.summary))
        .responses(responses);
    for parameter in parameters {
        built = built.parameter(parameter);
    }
    if !route.body.is_empty() {
        let bodies = route.body.iter();
        let body = bodies.fold(RequestBodyBuilder::new(), |body, kind| {
            body.content(*kind, content())
        });
        built = built.request_body(Some(body.build()));
    }
    if !route.is_open {
        built = built
            .security(SecurityRequirement::new("bearer", Vec::<String>::new()))
            .security(SecurityRequirement::default());
    }
    built.build()
}

/// The description.
fn description() -> OpenApi {
    let info = InfoBuilder::new()
        .title("docparse")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Parses documents; docs/serve.md describes the service.",
        ));
    let paths = ROUTES.iter().fold(PathsBuilder::new(), |paths, route| {
        let method = match route.method {
            "post" => HttpMethod::Post,
            "delete" => HttpMethod::Delete,
            _ => HttpMethod::Get,
        };
        paths.path(route.path, PathItem::new(method, operation(route)))
    });
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let components =
        ComponentsBuilder::new().security_scheme("bearer", SecurityScheme::Http(bearer));
    OpenApiBuilder::new()
        .info(info)
        .paths(paths)
        .components(Some(components.build()))
        .build()
}

/// The description of all routes.
pub(super) async fn openapi() -> Json<OpenApi> {
    Json(description())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described_once() {
        let described = serde_json::to_value(description()).unwrap();
        for route in ROUTES {
            let operation = &described["paths"][route.path][route.method];
            assert_eq!(
                operation["summary"], route.summary,
                "{} {}",
                route.method, route.path
            );
        }
        let paths = described["paths"].as_object().unwrap();
        let operations: usize = paths
            .values()
            .map(|path| path.as_object().unwrap().len())
            .sum();
        assert_eq!(operations, ROUTES.len());
    }
}
