import Millrace
import MillraceBackends
import MillraceCounterparts
import Testing

/// The search seam's suite, on our fake and on a server of somebody else's.
@Suite struct OpenSearchConformanceTests {
    @Test(.timeLimit(.minutes(2)), arguments: SearchConformance.cases)
    func engineOnTheFake_doesWhatEverySearchEngineDoes(_ example: SearchConformanceCase) async throws {
        let server = try OpenSearchServers.fake.get()
        let engine = try OpenSearchServers.engine(server.url)
        try await onLoop { try await example.run(engine) }
    }

    @Test(.timeLimit(.minutes(2)), arguments: SearchConformance.casesWithoutVectors)
    func engineOnOsmem_doesWhatEverySearchEngineDoes(_ example: SearchConformanceCase) async throws {
        let server = try OpenSearchServers.osmem.get()
        let engine = try OpenSearchServers.engine(server.url)
        try await onLoop { try await example.run(engine) }
    }
}
