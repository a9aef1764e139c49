import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient
import Testing

@testable import MillraceAWS

@Suite(.ownThreads) struct OpenSearchErrorBodyTests {
    private static func error(_ body: String, status: Int) -> AWSServiceError {
        OpenSearchErrorBody.error(
            of: AWSErrorBody(status: status, headers: [:], body: Array(body.utf8)).error(service: "OpenSearch Serverless"))
    }

    @Test(arguments: [
        (
            404,
            #"{"error":{"root_cause":[{"type":"index_not_found_exception","reason":"no such index [x]"}],"type":"#
                + #""index_not_found_exception","reason":"no such index [x]","index":"x"},"status":404}"#,
            "index_not_found_exception", "no such index [x]", false
        ),
        (
            400,
            #"{"error":{"root_cause":[{"type":"illegal_argument_exception","reason":"Result window is too large"}],"type":"#
                + #""search_phase_execution_exception","reason":"all shards failed","phase":"query"},"status":400}"#,
            "illegal_argument_exception", "Result window is too large", false
        ),
        (
            400,
            #"{"error":{"type":"mapper_parsing_exception","reason":"failed to parse","caused_by":{"type":"a","reason":"Long value passed "#
                + #"as String","caused_by":{"type":"b","reason":"deeper"}}},"status":400}"#,
            "mapper_parsing_exception", "failed to parse: Long value passed as String: deeper", false
        ),
        (
            429, #"{"error":{"type":"rejected_execution_exception","reason":"full"},"status":429}"#, "rejected_execution_exception", "full",
            true
        ),
        (405, #"{"error":"Incorrect HTTP method for uri","status":405}"#, "Unknown", "Incorrect HTTP method for uri", false),
        (413, #"{"Message":"Request size exceeded 10485760 bytes"}"#, "Unknown", "Request size exceeded 10485760 bytes", false),
        (
            403, #"{"message":"The security token included in the request is invalid."}"#, "Forbidden",
            "The security token included in the request is invalid.", false
        ),
        (401, "Unauthorized", "Unknown", "", false), (502, "<html><body>Bad Gateway</body></html>", "Unknown", "", true),
        (503, "", "Unknown", "", true), (504, "", "Unknown", "", true), (500, "", "Unknown", "", false),
    ])
    func forms_areRead(_ status: Int, _ body: String, _ code: String, _ message: String, _ isRetryable: Bool) {
        let error = Self.error(body, status: status)
        #expect(error.service == "OpenSearch" && error.status == status && error.isRetryable == isRetryable)
        #expect(error.code == code && error.message == message)
    }

    @Test(
        arguments: [
            ("opensearch", "2.19.0", true), ("opensearch", "2.19.1", true), ("opensearch", "3.0.0", true), ("opensearch", "2.18.9", false),
            ("opensearch", "10.0.0-SNAPSHOT", true), ("opensearch", "1.3.20", false), ("opensearch", "", false), (nil, "8.15.0", false),
            ("elasticsearch", "8.15.0", false),
        ] as [(String?, String, Bool)])
    func versions_areCompared(_ distribution: String?, _ version: String, _ isEnough: Bool) {
        var members: [String: JSONValue] = ["number": .string(version)]
        if let distribution { members["distribution"] = .string(distribution) }
        #expect(OpenSearchServerInfo(["version": .object(members)]).isAtLeast(2, 19) == isEnough)
    }
}
