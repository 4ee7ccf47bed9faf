//! API Gateway: a REST API with a mock behind it, deployed, and called the way its users call it.

use aws_sdk_apigateway::{Client, types::IntegrationType};

use super::{cause::Cause, diagnose::Failure, run::Run, sweep::Sweep};

const STAGE: &str = "smoke";

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let gateway = Client::new(&run.sdk());
    let name = run.name();
    let created = run.step("create_rest_api", gateway.create_rest_api().name(&name).send()).await?;
    let api = run.present("id", created.id)?;
    run.undo("delete_rest_api", gateway.delete_rest_api().rest_api_id(&api).send());

    let listed = run.step("get_resources", gateway.get_resources().rest_api_id(&api).send()).await?;
    let root = listed.items().iter().find(|resource| resource.path() == Some("/")).and_then(|found| found.id());
    let root = run.present("root resource", root)?;
    let hello = gateway.create_resource().rest_api_id(&api).parent_id(root).path_part("hello");
    let hello = run.step("create_resource", hello.send()).await?;
    let hello = run.present("id", hello.id)?;

    let method = gateway.put_method().rest_api_id(&api).resource_id(&hello).http_method("GET");
    run.step("put_method", method.authorization_type("NONE").send()).await?;
    let response = gateway.put_method_response().rest_api_id(&api).resource_id(&hello).http_method("GET");
    run.step("put_method_response", response.status_code("200").send()).await?;
    let mock = gateway.put_integration().rest_api_id(&api).resource_id(&hello).http_method("GET");
    let mock = mock.r#type(IntegrationType::Mock).request_templates("application/json", r#"{"statusCode": 200}"#);
    run.step("put_integration", mock.send()).await?;
    let answer = format!(r#"{{"hello": "{name}"}}"#);
    let response = gateway.put_integration_response().rest_api_id(&api).resource_id(&hello).http_method("GET");
    let response = response.status_code("200").response_templates("application/json", &answer);
    run.step("put_integration_response", response.send()).await?;

    let read = gateway.get_integration().rest_api_id(&api).resource_id(&hello).http_method("GET");
    let read = run.step("get_integration", read.send()).await?;
    let responses = read.integration_responses();
    let template = responses.and_then(|all| all.get("200")?.response_templates()?.get("application/json"));
    run.expect_eq("response template", &Some(&answer), &template)?;

    run.step("create_deployment", gateway.create_deployment().rest_api_id(&api).stage_name(STAGE).send()).await?;
    if run.skips("invoke") {
        return Ok(());
    }
    let url = format!("{}/restapis/{api}/{STAGE}/_user_request_/hello", run.url());
    let got = run.fetch("invoke", &url).await?;
    run.expect_eq("answer of the API", answer.as_str(), got.trim())
}

/// What the check may leave: REST APIs.
pub(super) async fn sweep(sweep: &mut Sweep) -> Result<(), Cause> {
    let gateway = Client::new(&sweep.sdk());
    let apis = gateway.get_rest_apis().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    for api in apis {
        let id = api.id().unwrap_or_default();
        sweep.found("REST API", api.name().unwrap_or_default(), gateway.delete_rest_api().rest_api_id(id).send()).await;
    }
    Ok(())
}
