import MillraceCore

/// Runs what blocks or computes for long on a thread of its own. Swift's pool has a thread for each core: a test that holds one lets others,
/// which bound their time, wait. Expectations belong outside, on the test's own task.
package func onThread<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
        do throws(MillraceError) {
            try NamedThread(name: "test") { continuation.resume(with: Result { try body() }) }.detach()
        } catch { continuation.resume(throwing: error) }
    }
}
