// Everything in the headers is used once, so that templates and inline functions are compiled.

#include <licsdk/SdkInvoker.h>

struct Program {
    void EventRecall(licsdk::EventType, const std::string &) {}
    void Constant(licsdk::EventType, const std::string &) const {}
};

void use(licsdk::SdkInvoker &invoker, Program &app) {
    const std::string text;
    invoker.IscdeskFactory()->Init();
    invoker.Factory(licsdk::Config())->Init();
    invoker->RegisterEventRecall(&app, &Program::EventRecall);
    invoker->RegisterEventRecall(&app, &Program::Constant);
    invoker->RegisterEventRecall([](licsdk::EventType, const std::string &) {});
    invoker->GetLicenseStringRequest(text);
    invoker->GetLicenseFileRequest(text, text);
    invoker->GetLicenseFileRequest("plain.lic", "plain");
    invoker->GetLicenseFileRequest(L"wide.lic", text);
    invoker->LicenseVerifyNotify(true, text);
    invoker->TrialExpirationAndGetLicense(licsdk::LicenseType::LICENSE_TYPE_FILE, "devInfo",
                                          "fileName");
    const licsdk::ResultStatus r = invoker->CheckNewVersions();
    invoker->UpgradeNotify(r == licsdk::ResultStatus::SUCCESS);
    const licsdk::Answer answer = invoker->OpenLicense({"one", "two"});
    if (answer) invoker->Verify(answer.Customer() + answer.LicenseId() + answer.Product());
    if (answer.IsTrial()) answer.Remedy(licsdk::Language::CHINESE);
    invoker->Entitlement("mesh").Number();
    licsdk::FromWide(licsdk::ToWide(answer.ValidUntil()));
    invoker->ShutOut();
}
