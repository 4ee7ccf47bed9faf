//! Systems Manager: an encrypted parameter, overwritten, and read by name and by path.

use aws_sdk_ssm::{
    Client,
    types::{Parameter, ParameterType},
};

use super::{diagnose::Failure, run::Run};

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let ssm = Client::new(&run.sdk());
    let path = format!("/{}", run.name());
    let name = format!("{path}/password");
    let put = |value: &str| ssm.put_parameter().name(&name).value(value).r#type(ParameterType::SecureString);
    run.step("put_parameter", put("first").send()).await?;
    run.undo("delete_parameter", ssm.delete_parameter().name(&name).send());
    let again = run.step("put_parameter", put("second").overwrite(true).send()).await?;
    run.expect_eq("version", &2, &again.version())?;

    let read = run.step("get_parameter", ssm.get_parameter().name(&name).with_decryption(true).send()).await?;
    let read = run.present("Parameter", read.parameter)?;
    run.expect_account(read.arn().unwrap_or_default())?;
    run.expect_eq("value", &Some("second"), &read.value())?;
    run.expect_eq("type", &Some(&ParameterType::SecureString), &read.r#type())?;
    let sealed = run.step("get_parameter", ssm.get_parameter().name(&name).send()).await?;
    let sealed = sealed.parameter().and_then(Parameter::value);
    run.expect_eq("value without decryption is the plain one", &false, &(sealed == Some("second")))?;

    let below = ssm.get_parameters_by_path().path(&path).with_decryption(true);
    let below = run.step("get_parameters_by_path", below.send()).await?;
    let found: Vec<_> = below.parameters().iter().map(|found| (found.name(), found.value())).collect();
    run.expect_eq("parameters of the path", &vec![(Some(name.as_str()), Some("second"))], &found)
}
