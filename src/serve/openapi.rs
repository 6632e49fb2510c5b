//! `/openapi.json`: what the routes are, what goes in and what comes out. One entry for each route; a test asks a server
//! for all of them.

#[cfg(test)]
mod accepted;
mod fields;

#[cfg(test)]
pub(super) use accepted::fields_of;
pub(super) use fields::*;

use Others::{Files, Ignored, Refused};
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
    pub query: &'static [(&'static str, &'static str)],
    /// Media types of the body with its fields, where it has fields, and what becomes of others; none without a body.
    body: &'static [(&'static str, &'static [&'static [Field]], Others)],
    /// Media type of the answer.
    answer: &'static str,
    /// Fields of the answer, where it is JSON.
    fields: &'static [Field],
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
    fields: &[],
    is_open: true,
};
const JOBS_OF: Route = Route {
    tag: "jobs",
    is_open: false,
    ..OPEN
};
const REFERENCE: Route = Route {
    method: "post",
    tag: "PaddleOCR-VL service",
    fields: REFERENCE_ANSWER,
    ..JOBS_OF
};
const PP_OCR: Route = Route {
    tag: "PP-OCR service",
    ..JOBS_OF
};
const DOCLING: Route = Route {
    tag: "docling's service",
    method: "post",
    fields: DOCLING_RESULT,
    ..JOBS_OF
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
    Route { path: "/v1/capabilities", summary: "Limits, formats, kinds of files, settings of jobs", ..JOBS_OF },
    Route {
        method: "post", path: "/v1/jobs", summary: "Order the parsing of files; 202 with the job, or 200 if it has ended",
        query: &[
            ("wait", "Seconds to wait for the end"), ("name", "Name of the file, where the body is one"),
            ("formats", "Formats, as in md,json"), ("pages", "Pages, as in 1-3,7"), ("settings", "Settings, as a JSON object"),
            ("webhook", "Address that is told of the end"),
        ],
        body: &[(FORM, &[ORDER_FORM], Files), (JSON, &[ORDER], Refused), ("application/octet-stream", &[], Ignored)], fields: JOB, ..JOBS_OF
    },
    Route {
        path: "/v1/jobs", summary: "The jobs of the API key, newest first",
        query: &[("state", "Only those in this state"), ("limit", "Most of them")], fields: JOBS, ..JOBS_OF
    },
    Route { path: "/v1/jobs/{id}", summary: "A job", query: &[("wait", "Seconds to wait for the end")], fields: JOB, ..JOBS_OF },
    Route {
        method: "delete", path: "/v1/jobs/{id}", summary: "Cancel a job",
        query: &[("purge", "true: remove it with its results")], fields: JOB, ..JOBS_OF
    },
    Route {
        path: "/v1/jobs/{id}/pages", summary: "Pages as they are finished, a line of JSON each, or their Markdown",
        query: &[("format", "ndjson or md"), ("final", "true: only pages that nothing changes any more")],
        answer: NDJSON, ..JOBS_OF
    },
    Route { path: "/v1/jobs/{id}/events", summary: "Every change of a job, as Server-Sent Events", answer: "text/event-stream", ..JOBS_OF },
    Route { path: "/v1/jobs/{id}/result", summary: "All outputs, as a zip", answer: "application/zip", ..JOBS_OF },
    Route { path: "/v1/jobs/{id}/result/{name}", summary: "One output",
        query: &[("expires", "End of an address that an answer gave, in seconds since 1970"), ("signature", "Its signature, instead of a key")],
        answer: "application/octet-stream", ..JOBS_OF },
    Route { path: "/", summary: "The page for people; for others, what serves here", ..OPEN },
    Route { path: "/ready", summary: "As /readyz, for clients of docling's service", ..OPEN },
    Route { path: "/layout-parsing", summary: "Parse a file", body: &[(JSON, &[LAYOUT_PARSING], Ignored)], ..REFERENCE },
    Route { path: "/restructure-pages", summary: "Tables, headings and pages of results of before, joined", body: &[(JSON, &[RESTRUCTURE_PAGES], Ignored)], ..REFERENCE },
    Route { path: "/system/info", summary: "Versions, GPUs, folders", ..PP_OCR },
    Route {
        method: "post", path: "/ocr", summary: "A form: the text of a file. JSON: its lines, as the reference's OCR pipeline has them",
        body: &[(FORM, &[PP_OCR_FORM], Ignored), (JSON, &[OCR], Ignored)], answer: TEXT, fields: REFERENCE_ANSWER, ..PP_OCR
    },
    Route { method: "post", path: "/ocr/json", summary: "The text of a file, with facts about it", body: &[(FORM, &[PP_OCR_FORM], Ignored)], fields: PP_OCR_JSON, ..PP_OCR },
    Route { method: "post", path: "/ocr/debug", summary: "The lines of a picture, with boxes and confidence", body: &[(FORM, &[PP_OCR_FORM], Ignored)], fields: PP_OCR_DEBUG, ..PP_OCR },
    Route { path: "/v1/convert/file", summary: "Convert files, and wait", body: &[(FORM, &[DOCLING_FORM, DOCLING_OPTIONS], Ignored)], ..DOCLING },
    Route { path: "/v1/convert/file/async", summary: "Convert files; a task", body: &[(FORM, &[DOCLING_FORM, DOCLING_OPTIONS], Ignored)], fields: DOCLING_TASK, ..DOCLING },
    Route { path: "/v1/convert/source", summary: "Convert files in base64, or addresses, and wait", body: &[(JSON, &[DOCLING_ORDER], Ignored)], ..DOCLING },
    Route { path: "/v1/convert/source/async", summary: "Convert files in base64, or addresses; a task", body: &[(JSON, &[DOCLING_ORDER], Ignored)], fields: DOCLING_TASK, ..DOCLING },
    Route {
        method: "get", path: "/v1/status/poll/{id}", summary: "State of a task",
        query: &[("wait", "Seconds to wait for the end")], fields: DOCLING_TASK, ..DOCLING
    },
    Route {
        method: "get", path: "/v1/status/ws/{id}", summary: "State of a task and every change of it, over a WebSocket",
        query: &[("api_key", "API key, where the client cannot set headers")], fields: DOCLING_MESSAGE, ..DOCLING
    },
    Route { method: "get", path: "/v1/result/{id}", summary: "Result of a task", ..DOCLING },
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
    let content = |fields: &[&[Field]], others: Others| {
        let fields = fields.iter().flat_map(|fields| fields.iter());
        let schema = object(fields, others);
        ContentBuilder::new().schema(Some(schema)).build()
    };
    // Where an answer is no JSON, its fields are those of another form of it.
    let mut done = ResponseBuilder::new().description("Done");
    if route.answer != JSON {
        done = done.content(route.answer, content(&[], Ignored));
    }
    if route.answer == JSON || !route.fields.is_empty() {
        done = done.content(JSON, content(&[route.fields], Ignored));
    }
    let refused = ResponseBuilder::new()
        .description("Refused; the body says why")
        .content(JSON, content(&[], Ignored));
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
        let body = bodies.fold(RequestBodyBuilder::new(), |body, (kind, fields, others)| {
            body.content(*kind, content(fields, *others))
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
