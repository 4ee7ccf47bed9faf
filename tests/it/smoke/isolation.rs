//! Two environments with an emulator each do not see each other's data; two names of one emulator do, and it is said.

use lsdeploy::{
    finding::{Phase, code},
    smoke::{self, Status, Tenant},
};

use super::{emulator::moto_limits, options, parts, target};

/// Nothing that their checks make can be listed by name.
const NAMELESS: [&str; 2] = ["s3control", "support"];

#[tokio::test]
async fn two_emulators_are_isolated_in_both_directions() {
    let here = [127, 0, 0, 1].into();
    let (Some((_a, a)), Some((_b, b))) = (parts::moto(here, &[]), parts::moto(here, &[])) else { return };
    let tenants = [tenant("a", &format!("http://{a}")), tenant("b", &format!("http://{b}"))];
    let results = smoke::isolation(&tenants, |_, _, _| ()).await.unwrap();
    for (results, other) in results.iter().zip(["b", "a"]) {
        assert_eq!(results.len(), tenants[0].targets.len());
        for result in results.iter().filter(|result| !NAMELESS.contains(&result.service.as_str())) {
            assert_eq!(result.status, Status::Passed, "{result:#?}");
            for look in ["look_through_own".to_owned(), format!("look_through_{other}")] {
                assert!(result.operations.iter().any(|op| op.name == look && op.ok), "{look}: {result:#?}");
            }
        }
    }
}

#[tokio::test]
async fn one_emulator_under_two_names_is_not_isolated() {
    let Some((_moto, moto)) = parts::moto([127, 0, 0, 1].into(), &[]) else { return };
    let url = format!("http://{moto}");
    let results = smoke::isolation(&[tenant("a", &url), tenant("b", &url)], |_, _, _| ()).await.unwrap();
    for result in results.iter().flatten().filter(|result| !NAMELESS.contains(&result.service.as_str())) {
        let finding = result.finding.as_ref().unwrap_or_else(|| panic!("{result:#?}"));
        assert_eq!((result.phase, finding.code), (Some(Phase::Data), code::NOT_ISOLATED), "{result:#?}");
        assert!(finding.message.contains("is seen in"), "{}", finding.message);
    }
    // What was made to compare is gone.
    let cleaned = smoke::clean(&tenant("a", &url).targets, &options("isolated")).await.unwrap();
    assert_eq!((cleaned.removed.len(), cleaned.failed.len()), (0, 0), "{cleaned:#?}");
}

fn tenant(name: &str, url: &str) -> Tenant {
    let mut options = options("19ac3f2b1c00a7e");
    options.limits = moto_limits();
    let targets = smoke::services().map(|service| target(service, url));
    Tenant { name: name.to_owned(), targets: targets.collect(), options }
}
