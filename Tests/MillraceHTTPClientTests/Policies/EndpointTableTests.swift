import Testing

@testable import MillraceHTTPClient

@Suite struct EndpointTableTests {
    private func table(endpoints: Int) -> EndpointTable {
        var settings = HTTPPolicySettings()
        settings.endpoints = endpoints
        settings.limit.exchanges = 1
        return EndpointTable(settings)
    }

    private func admitted(_ table: inout EndpointTable, _ name: String, now: Int64) throws -> EndpointTable.Permit {
        guard case .admitted(let permit) = table.requestArrived(at: name, alias: name[...], isRetry: false, now: now) else {
            Issue.record("not admitted")
            throw CancellationError()
        }
        #expect(permit.endpoint == name)
        return permit
    }

    @Test func anAlias_isKnownOnceItWasUsed() throws {
        var table = table(endpoints: 2)
        guard case .unknown = table.requestArrived(alias: "a", isRetry: false, now: 0) else { throw CancellationError() }
        _ = table.exchangeEnded(try admitted(&table, "a", now: 0))
        guard case .admitted = table.requestArrived(alias: "a", isRetry: false, now: 0) else { throw CancellationError() }
    }

    @Test func oneTooMany_forgetsTheEndpointThatWasIdleForLongest() throws {
        var table = table(endpoints: 2)
        let busy = try admitted(&table, "busy", now: 1)
        _ = table.exchangeEnded(try admitted(&table, "old", now: 2))
        _ = table.exchangeEnded(try admitted(&table, "new", now: 3))
        #expect(table.load(of: "old") == nil)
        #expect(table.load(of: "busy")?.inUse == 1 && table.load(of: "new")?.inUse == 0)
        guard case .unknown = table.requestArrived(alias: "old", isRetry: false, now: 4) else { throw CancellationError() }
        _ = table.exchangeEnded(busy)
        #expect(table.load(of: "busy")?.inUse == 0)
    }

    @Test func whenAllAreInUse_anotherIsRefused() throws {
        var table = table(endpoints: 1)
        let permit = try admitted(&table, "a", now: 0)
        guard case .refused(.tooManyEndpoints) = table.requestArrived(at: "b", alias: nil, isRetry: false, now: 0) else {
            throw CancellationError()
        }
        _ = table.exchangeEnded(permit)
        _ = try admitted(&table, "b", now: 1)
    }

    @Test func aPlaceOfAForgottenEndpoint_isNobodyElses() throws {
        var table = table(endpoints: 1)
        let first = try admitted(&table, "a", now: 0)
        guard case .queued(let stale, _) = table.requestArrived(at: "a", alias: nil, isRetry: false, now: 0) else {
            throw CancellationError()
        }
        #expect(table.waiterLeft(stale) == true)
        _ = table.exchangeEnded(first)
        _ = try admitted(&table, "b", now: 1)
        guard case .queued(let place, _) = table.requestArrived(at: "b", alias: nil, isRetry: false, now: 1) else {
            throw CancellationError()
        }
        #expect(table.waiterLeft(stale) == false)
        #expect(table.waiterLeft(place) == true)
    }
}
