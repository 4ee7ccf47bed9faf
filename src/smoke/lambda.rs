//! Lambda: a Python function, created from a zip archive, read back and invoked.

use aws_sdk_lambda::{
    Client,
    primitives::Blob,
    types::{FunctionCode, Runtime, State},
};

use super::{cause::Cause, cloudformation, diagnose::Failure, run::Run, sweep::Sweep, zip};

const CODE: &str = "def handler(event, context):\n    return event\n";

/// The role that a function runs as. Strict emulators look it up, so it has to exist.
const ROLE: &str = r#"{"Resources":{"Role":{"Type":"AWS::IAM::Role","Properties":{"AssumeRolePolicyDocument":
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
    "Principal":{"Service":"lambda.amazonaws.com"}}]}}}},
    "Outputs":{"Arn":{"Value":{"Fn::GetAtt":["Role","Arn"]}}}}"#;

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let lambda = Client::new(&run.sdk());
    let stacks = aws_sdk_cloudformation::Client::new(&run.sdk_for("cloudformation"));
    let stack = cloudformation::create_stack(run, &stacks, ROLE).await?;
    let role = run.present("Arn in the outputs", cloudformation::output(&stack))?;

    let name = run.name();
    let archive = zip::stored("index.py", CODE.as_bytes());
    let code = FunctionCode::builder().zip_file(Blob::new(archive)).build();
    let create = lambda.create_function().function_name(&name).runtime(Runtime::Python312).role(role);
    let created = run.step("create_function", create.handler("index.handler").code(code).send()).await?;
    if !run.skips("delete_function") {
        run.undo("delete_function", lambda.delete_function().function_name(&name).send());
    }
    run.expect_account(created.function_arn().unwrap_or_default())?;

    let read = run.step("get_function", lambda.get_function().function_name(&name).send()).await?;
    let function = run.present("Configuration", read.configuration)?;
    run.expect_eq("digest of the code", &created.code_sha256(), &function.code_sha256())?;
    run.expect_eq("handler", &Some("index.handler"), &function.handler())?;
    if run.skips("invoke") {
        return Ok(());
    }

    let get = || lambda.get_function_configuration().function_name(&name).send();
    let (state, reason) = run
        .until("get_function_configuration", "a started function", get, |got| {
            let settled = got.state != Some(State::Pending);
            settled.then_some((got.state, got.state_reason))
        })
        .await?;
    run.expect_eq(&format!("state ({})", reason.unwrap_or_default()), &Some(State::Active), &state)?;
    let event = format!(r#"{{"hello": "{name}"}}"#);
    let invoke = lambda.invoke().function_name(&name).payload(Blob::new(event.as_bytes()));
    let answer = run.step("invoke", invoke.send()).await?;
    run.expect_eq("function error", &None, &answer.function_error())?;
    let returned = answer.payload().map(Blob::as_ref).unwrap_or_default();
    run.expect_eq("returned event", event.as_bytes(), returned)
}

/// What the check may leave: functions; their stacks are those of `cloudformation`.
pub(super) async fn sweep(sweep: &mut Sweep) -> Result<(), Cause> {
    let lambda = Client::new(&sweep.sdk());
    let functions = lambda.list_functions().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    for function in functions {
        let name = function.function_name().unwrap_or_default();
        sweep.found("function", name, lambda.delete_function().function_name(name).send()).await;
    }
    Ok(())
}
