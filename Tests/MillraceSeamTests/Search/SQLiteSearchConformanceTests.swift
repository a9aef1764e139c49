import Millrace
import MillraceBackends
import MillraceCounterparts
import Testing

@Suite(.ownThreads) struct SQLiteSearchConformanceTests {
    @Test(arguments: SearchConformance.cases) func engine_conforms(_ conformance: SearchConformanceCase) async throws {
        let engine = try SQLiteSearchEngine(path: ":memory:")
        try await conformance.run(engine)
        await engine.close()
    }
}
