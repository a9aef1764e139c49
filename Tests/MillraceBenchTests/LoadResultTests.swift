import MillraceCore
import Testing

@testable import MillraceBench

@Suite struct LoadResultTests {
    static let line = """
        {"seconds":2.0,"connections":4,"streams_at_once":4,"events":1000,"content_events":998,"tokens":500,"responses":10,"bytes":5,\
        "first_event_ms":{"count":2,"p50":0.1,"p99":0.4,"max":0.5},"response_ms":{"count":10,"p50":1,"p99":2,"max":3},\
        "gap_ms":{"count":0},"latency_ms":{"count":500,"p50":0.05,"p99":0.2,"max":0.9},"errors":1,"connect_failures":2,"load_cpu_seconds":0.25,"notes":[{"text":"status 500","count":1}]}
        """

    @Test func result_isRead() throws {
        let result = try LoadResult(line: Self.line)
        #expect(result.seconds == 2 && result.events == 1000 && result.responses == 10 && result.errors == 3)
        #expect(result.tokens == 500 && result.latency == LoadResult.Durations(count: 500, p50: 0.05, p99: 0.2, max: 0.9))
        #expect(result.firstEvent == LoadResult.Durations(count: 2, p50: 0.1, p99: 0.4, max: 0.5))
        #expect(result.gap.p50 == nil)
        #expect(result.notes == ["status 500 (1)"])
    }

    @Test(arguments: ["{}", #"{"seconds":"two"}"#, "no JSON"])
    func otherText_isRefused(line: String) {
        #expect(throws: MillraceError.self) { try LoadResult(line: line) }
    }

    @Test(arguments: [(.event, 500), (.token, 250), (.request, 5), (.stream, 5)] as [(Workload.Unit, Double)])
    func unit_saysWhatIsCounted(unit: Workload.Unit, perSecond: Double) throws {
        let values = Measurement.values(
            of: try LoadResult(line: Self.line), unit: unit, streams: nil,
            usage: .init(cpuNanoseconds: 1_000_000, memoryBefore: 0, memoryAtStart: 0, memoryAtStop: 0))
        #expect(values[.unitsPerSecond] == perSecond)
        #expect(values[.cpuMicrosecondsPerUnit] == 1000 / (perSecond * 2))
        #expect(values[.latencyP50] == 0.05 && values[.latencyP99] == 0.2 && values[.memoryPerStream] == nil)
    }

    @Test func values_arePerUnitAndPerStream() throws {
        let values = Measurement.values(
            of: try LoadResult(line: Self.line), unit: .event, streams: 4,
            usage: .init(cpuNanoseconds: 3_000_000, memoryBefore: 1_048_576, memoryAtStart: 1_048_576 + 8192, memoryAtStop: 2_097_152))
        #expect(values[.unitsPerSecond] == 500)
        #expect(values[.cpuMicrosecondsPerUnit] == 3)
        #expect(values[.memoryPerStream] == 2)
        #expect(values[.memory] == 2)
        #expect(values[.gapP99] == nil)
    }

    @Test func severalClients_addUp() throws {
        let one = try LoadResult(line: Self.line)
        var other = one
        other.seconds = 3
        other.firstEvent = .init(count: 6, p50: 0.3, p99: 0.2, max: 0.9)
        other.gap = .init(count: 4, p50: 7, p99: 8, max: 9)
        let both = LoadResult(together: [one, other])
        #expect(both.seconds == 3 && both.events == 2000 && both.responses == 20 && both.errors == 6)
        // The mean of 2 at 0.1 and 6 at 0.3; the worst of the others.
        #expect(abs((both.firstEvent.p50 ?? 0) - 0.25) < 1e-9 && both.firstEvent.p99 == 0.4 && both.firstEvent.max == 0.9)
        #expect(both.gap == other.gap && both.notes.count == 2)
        #expect(LoadResult(together: [one]) == one)
    }
}
