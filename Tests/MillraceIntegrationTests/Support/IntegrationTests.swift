import Testing

/// All suites of this target, one test at a time: each starts servers, and two cores do not carry several of them beside timing tests.
@Suite(.serialized, OnThreads()) enum IntegrationTests {}

/// Runs tests where they may block (see ``BlockingThreads``).
struct OnThreads: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void) async throws
    {
        try await withTaskExecutorPreference(BlockingThreads.shared) { try await function() }
    }
}
