import MillraceCore
import MillraceHTTPClient
import Testing

@testable import MillraceServer

@Suite struct ProbeExplanationTests {
    private func explanation(key: SecretText? = nil) -> ProbeExplanation {
        ProbeExplanation(server: ModelServerSettings(url: "http://127.0.0.1:8080/v1", apiKey: key), key: "models.m")
    }

    @Test(arguments: [
        ("gpt-x", ["gpt-x"], true), ("llama3.2", ["llama3.2:latest"], true), ("claude-x", ["claude-x-20250929"], true),
        ("claude-x-latest", ["claude-x-20250929"], true), ("claude-x", ["claude-x-mini"], false), ("gpt-x", [], false),
        ("gpt-x", ["gpt-y"], false),
    ])
    func name_isLookedForInTheList(name: String, listed: [String], isThere: Bool) {
        #expect(explanation().listed(listed, name: name).verdict == (isThere ? .ok : .doubtful))
    }

    @Test func nameThatIsNotListed_getsASuggestion() {
        #expect(
            explanation().listed(["gpt-5-mini", "other"], name: "gpt-5-mni").text
                == "127.0.0.1:8080 answers, and 'gpt-5-mni' is not among the 2 models that it lists: check models.m.model: "
                + "did you mean 'gpt-5-mini'?"
        )
    }

    @Test(arguments: [
        (401, false, "asks for an API key (401): say where it is in models.m.apiKey, such as env:NAME"),
        (401, true, "refuses the API key (401): check the variable KEY"), (403, true, "refuses the API key (403): check the variable KEY"),
        (404, true, "answers, and lists no models (404): check models.m.url, which most servers end in /v1"),
        (429, true, "answers, and limits the rate of requests (429): try again later"),
    ])
    func refusal_saysWhatToDo(status: Int, hasKey: Bool, text: String) {
        let error = MillraceError(.modelError, "refused", details: ["provider_status": .integer(status)])
        let found = explanation(key: hasKey ? SecretText("s", origin: "the variable KEY") : nil).failed(error, transport: nil)
        #expect(found.text == "127.0.0.1:8080 " + text)
        #expect(found.verdict == (status == 404 || status == 429 ? .doubtful : .unusable))
    }

    @Test(arguments: [
        ("nothing listens on a:1", "nothing listens on a:1: start the server, or check models.m.url"),
        (
            "no secure connection to a:1 (why): check its certificate",
            "no secure connection to a:1 (why): check its certificate; the setting for it is http.caFile"
        ),
        ("the host name 'a' is not known: check the address", "the host name 'a' is not known: check the address (models.m.url)"),
        ("the connection broke: try again", "the connection broke: try again"),
    ])
    func unreachedServer_saysWhatToDo(message: String, text: String) {
        let found = explanation().failed(MillraceError(.modelError, "other"), transport: MillraceError(.unreachable, message))
        #expect(found == (.unusable, text))
    }
}
