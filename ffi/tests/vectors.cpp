// Runs a file of tests/vectors through the C++ interface: the same cases as the Rust suite.

#include "check.h"

#include <licsdk/SdkInvoker.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <set>

using nlohmann::json;

namespace {

std::string from_base64(const std::string &text) {
    static const std::string digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    unsigned value = 0;
    int bits = 0;
    for (const char c : text) {
        if (c == '=') break;
        const size_t digit = digits.find(c);
        if (digit == std::string::npos) throw check::Failed("input_base64 is not base64");
        value = (value << 6) | static_cast<unsigned>(digit);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out += static_cast<char>((value >> bits) & 0xFF);
        }
    }
    return out;
}

// A member that this reader does not know would be a case that is silently not tested.
void only(const json &object, const std::set<std::string> &known) {
    for (const auto &member : object.items()) {
        if (known.count(member.key()) == 0) throw check::Failed("unknown member " + member.key());
    }
}

std::string text(const json &vector, const char *name) {
    if (!vector.contains(name)) return std::string();
    return vector[name].is_string() ? vector[name].get<std::string>() : vector[name].dump();
}

licsdk::VerifyQuestion question(const json &vector, const json &trusts) {
    only(vector, {"id", "comment", "input", "input_base64", "trust", "product", "version",
                  "release_date", "revocations", "floor", "at", "dev_info", "expect"});
    licsdk::VerifyQuestion question;
    question.license = vector.contains("input_base64")
                           ? from_base64(vector["input_base64"].get<std::string>())
                           : vector.at("input").get<std::string>();
    const json &trust = vector.at("trust");
    question.trust = (trust.is_string() ? trusts.at(trust.get<std::string>()) : trust).dump();
    question.product = text(vector, "product");
    question.version = text(vector, "version");
    question.release_date = text(vector, "release_date");
    question.floor = text(vector, "floor");
    question.at = text(vector, "at");
    question.check_binding = vector.contains("dev_info");
    question.dev_info = text(vector, "dev_info");
    for (const json &list : vector.value("revocations", json::array())) {
        question.revocations.push_back(list.get<std::string>());
    }
    return question;
}

// What differs from what is expected; "" if nothing does.
std::string judged(const json &expect, const licsdk::Answer &answer) {
    only(expect, {"code", "state", "warnings", "claims"});
    const std::string code = licsdk::Name(answer.Status());
    if (code != expect.at("code").get<std::string>()) {
        return "got " + code + ", expected " + expect["code"].get<std::string>() + ": " +
               answer.Json();
    }
    const json got = json::parse(answer.Json());
    if (got.at("code") != expect["code"]) return "the answer's own code is another";
    if (!answer) {
        for (const char *name : {"message", "message_zh", "remedy", "remedy_zh"}) {
            if (got.value(name, "").empty()) return std::string("the refusal has no ") + name;
        }
        return "";
    }
    if (answer.State() != expect.at("state").get<std::string>()) return "state " + answer.State();
    std::vector<std::string> warnings = answer.Warnings();
    std::sort(warnings.begin(), warnings.end());
    if (json(warnings) != expect.at("warnings")) return "warnings " + json(warnings).dump();
    const json claims = expect.value("claims", json::object());
    for (const auto &claim : claims.items()) {
        if (got.at("claims").value(claim.key(), json()) != claim.value()) {
            return "claim " + claim.key() + ": " + got["claims"].dump();
        }
    }
    return "";
}

}  // namespace

int main(int argc, char **argv) {
    if (argc != 2) {
        std::cerr << "usage: vectors FILE\n";
        return 2;
    }
    try {
        std::ifstream in(argv[1]);
        const json file = json::parse(in);
        only(file, {"schema", "kind", "about", "trusts", "vectors"});
        if (file.at("schema") != 1) throw check::Failed("unknown schema");
        if (file.at("kind") != "license") throw check::Failed("not a file of license vectors");

        size_t failed = 0;
        const json &vectors = file.at("vectors");
        for (const json &vector : vectors) {
            const std::string id = vector.at("id").get<std::string>();
            const licsdk::Answer answer =
                licsdk::Verify(question(vector, file.value("trusts", json::object())));
            const std::string wrong = judged(vector.at("expect"), answer);
            if (wrong.empty()) continue;
            ++failed;
            std::cout << id << " (" << text(vector, "comment") << "): " << wrong << "\n";
        }
        std::cout << vectors.size() - failed << " of " << vectors.size() << " vectors hold\n";
        return failed == 0 && !vectors.empty() ? 0 : 1;
    } catch (const std::exception &error) {
        std::cout << error.what() << "\n";
        return 1;
    }
}
