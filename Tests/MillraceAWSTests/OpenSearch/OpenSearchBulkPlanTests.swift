import MillraceCore
import MillraceCounterparts
import Testing

@testable import MillraceAWS

@Suite(.ownThreads) struct OpenSearchBulkPlanTests {
    private static let refusal = AWSServiceError(
        service: "OpenSearch", code: "rejected_execution_exception", message: "full", status: 429, isRetryable: true)
    private static let broken = AWSServiceError(service: "OpenSearch", code: "mapper_parsing_exception", message: "no", status: 400)

    private static func plan(_ ids: [String], _ change: (inout OpenSearchClient.BulkLimits) -> Void = { _ in }) -> OpenSearchBulkPlan {
        var limits = OpenSearchClient.BulkLimits()
        limits.backoff = .milliseconds(100)
        change(&limits)
        return OpenSearchBulkPlan(ids.map { .index(id: $0, ["of": .string($0)]) }, limits: limits)
    }

    /// The ids in a request's body, in their order.
    private static func ids(_ body: [UInt8]?) throws -> [String]? {
        guard let body else { return nil }
        #expect(body.last == UInt8(ascii: "\n"))
        return try body.split(separator: UInt8(ascii: "\n")).compactMap {
            try JSONValue(parsing: Array($0))["index"]?["_id"]?.string
        }
    }

    private static func done(_ ids: [String]) -> [OpenSearchBulkResult] { ids.map { OpenSearchBulkResult(id: $0, status: 201) } }
    private static func refused(_ id: String) -> OpenSearchBulkResult { OpenSearchBulkResult(id: id, status: 429, error: refusal) }

    @Test func lines_areActionAndDocument() {
        let document: JSONValue = ["text": "a\nb"]
        let cases: [(OpenSearchBulkOperation, String)] = [
            (.index(id: "é\"", document), "{\"index\":{\"_id\":\"é\\\"\"}}\n{\"text\":\"a\\nb\"}\n"),
            (.create(id: "1", document), "{\"create\":{\"_id\":\"1\"}}\n{\"text\":\"a\\nb\"}\n"),
            (.delete(id: "1"), "{\"delete\":{\"_id\":\"1\"}}\n"),
        ]
        for (operation, lines) in cases { #expect(String(decoding: operation.lines, as: UTF8.self) == lines) }
    }

    @Test(arguments: [
        (1_000, 3, [["a", "b", "c"], ["d", "e"]]), (1_000, 1, [["a"], ["b"], ["c"], ["d"], ["e"]]),
        (1, 100, [["a"], ["b"], ["c"], ["d"], ["e"]]),
        (70, 100, [["a", "b"], ["c", "d"], ["e"]]), (1_000, 5, [["a", "b", "c", "d", "e"]]),
    ])
    func pieces_areCutByBytesAndByCount(_ bytes: Int, _ count: Int, _ expected: [[String]]) throws {
        var plan = Self.plan(["a", "b", "c", "d", "e"]) { ($0.bytes, $0.operations) = (bytes, count) }
        for piece in expected {
            #expect(try Self.ids(plan.body) == piece && plan.count == piece.count)
            #expect(plan.answered(Self.done(piece)) == nil)
        }
        #expect(plan.body == nil)
        #expect(plan.finished.map(\.id) == ["a", "b", "c", "d", "e"])
    }

    @Test func nothing_isNoRequest() {
        #expect(Self.plan([]).body == nil && Self.plan([]).finished == [])
    }

    @Test func refusedItems_goOutAgainAloneAndBeforeTheNextPiece_afterGrowingWaits() throws {
        var plan = Self.plan(["a", "b", "c", "d"]) { $0.operations = 3 }
        #expect(plan.answered([Self.refused("a"), .init(id: "b", status: 201), Self.refused("c")]) == .milliseconds(100))
        #expect(try Self.ids(plan.body) == ["a", "c"])
        #expect(plan.answered([.init(id: "a", status: 200), Self.refused("c")]) == .milliseconds(200))
        #expect(try Self.ids(plan.body) == ["c"])
        #expect(plan.answered(Self.done(["c"])) == nil)
        #expect(try Self.ids(plan.body) == ["d"])
        #expect(plan.answered([Self.refused("d")]) == .milliseconds(100), "a new piece begins with a short wait")
        #expect(plan.answered(Self.done(["d"])) == nil)
        #expect(plan.finished.map(\.status) == [200, 201, 201, 201] && plan.finished.allSatisfy { $0.error == nil })
    }

    @Test func itemThatIsRefusedAgainAndAgain_isGivenUp() {
        var plan = Self.plan(["a", "b"]) { $0.attempts = 3 }
        #expect(plan.answered([Self.refused("a"), .init(id: "b", status: 400, error: Self.broken)]) != nil)
        #expect(plan.answered([Self.refused("a")]) != nil)
        #expect(plan.answered([Self.refused("a")]) == nil && plan.body == nil)
        #expect(plan.finished.map { $0.error?.code } == ["rejected_execution_exception", "mapper_parsing_exception"])
    }

    @Test func refusedItem_isNotRepeatedOverALaterOneOfItsID() throws {
        var plan = Self.plan(["a", "b", "a", "b"])
        // The second a is stored: the first would undo it. Of b, both were refused, and both go out again in their order.
        #expect(plan.answered([Self.refused("a"), Self.refused("b"), .init(id: "a", status: 200), Self.refused("b")]) != nil)
        #expect(try Self.ids(plan.body) == ["b", "b"])
        #expect(plan.answered(Self.done(["b", "b"])) == nil)
        #expect(plan.finished.allSatisfy { $0.error == nil } && plan.finished.count == 4)
    }

    @Test func idsOfOtherBytes_areOthers() {
        var plan = Self.plan(["é", "e\u{301}"])
        #expect(plan.answered([Self.refused("é"), .init(id: "e\u{301}", status: 201)]) != nil)
    }

    @Test func requestThatIsTooLong_isHalved_andOneDocumentThatIs_isRefused() throws {
        let tooLong = AWSServiceError(service: "OpenSearch", code: "Unknown", message: "", status: 413, isRetryable: false)
        var plan = Self.plan(["a", "b", "c"])
        #expect(plan.refused(tooLong) == nil)
        #expect(try Self.ids(plan.body) == ["a"])
        #expect(plan.refused(tooLong) == nil)
        #expect(try Self.ids(plan.body) == ["b", "c"])
        #expect(plan.answered(Self.done(["b", "c"])) == nil)
        #expect(plan.finished.map(\.status) == [413, 201, 201])
    }

    @Test func requestThatIsRefusedForWantOfRoom_goesOutAgain() throws {
        var plan = Self.plan(["a", "b"])
        #expect(plan.refused(Self.refusal) == .milliseconds(100))
        #expect(try Self.ids(plan.body) == ["a", "b"])
    }

    @Test func waits_endAtTenSeconds() {
        var plan = Self.plan(["a"]) { ($0.attempts, $0.backoff) = (100, .seconds(3)) }
        let waits = (0..<4).map { _ in plan.answered([Self.refused("a")]) }
        #expect(waits == [.seconds(3), .seconds(6), .seconds(10), .seconds(10)])
    }

    @Test func onlyACreation_mayNotBeSentTwice() {
        #expect(OpenSearchBulkPlan([.index(id: "1", [:]), .delete(id: "2")], limits: .init()).isRepeatable)
        #expect(!OpenSearchBulkPlan([.index(id: "1", [:]), .create(id: "2", [:])], limits: .init()).isRepeatable)
    }
}
