import CLinux
import Glibc
import MillraceCore
import Testing

@testable import MillraceEventLoop

/// Runs loops for one test and stops them behind it.
func withLoops<R: Sendable>(_ count: Int, _ body: @Sendable ([EventLoop]) async throws -> R) async throws -> R {
    let group = try EventLoopGroup(count: count)
    try group.start()
    do {
        let result = try await body(group.loops)
        group.stop()
        return result
    } catch {
        group.stop()
        throw error
    }
}

@Suite struct EventLoopTests {
    @Test func groupThatHasStopped_takesItsLoopsAndWhatIsAttachedWithIt() async throws {
        final class Attachment: Sendable {}
        weak var loop: EventLoop?
        weak var attachment: Attachment?
        do {
            let group = try EventLoopGroup(count: 2)
            try group.start(blockWarningNanoseconds: 1_000_000_000)
            loop = group.loops[0]
            let executor = group.loops[0].executor
            attachment = await Task(executorPreference: executor) { executor.loop.attachment { Attachment() } }.value
            group.stop()
            #expect(loop != nil && attachment != nil)
        }
        #expect(loop == nil)
        #expect(attachment == nil)
    }

    @Test func groupThatNeverStarted_takesItsLoopsWithIt() throws {
        weak var loop: EventLoop?
        do {
            let group = try EventLoopGroup(count: 2)
            loop = group.loops[1]
            #expect(loop != nil)
        }
        #expect(loop == nil)
    }

    @Test func taskWithPreference_runsOnTheLoop_alsoAfterSuspending() async throws {
        try await withLoops(1) { loops in
            let loop = loops[0]
            let places = await Task(executorPreference: loop.executor) {
                var places = [loop.isCurrent]
                await loop.nextTurn()
                places.append(loop.isCurrent)
                try? await loop.sleep(nanoseconds: 1000)
                places.append(loop.isCurrent)
                async let child = loop.isCurrent
                places.append(await child)
                return places
            }.value
            #expect(places == [true, true, true, true])
            #expect(!loop.isCurrent)
        }
    }

    @Test func post_fromManyThreads_runsEverythingInOrder() async throws {
        try await withLoops(1) { loops in
            let loop = loops[0]
            let seen = Locked<[[Int]]>(Array(repeating: [], count: 4))
            await withTaskGroup(of: Void.self) { group in
                for sender in 0..<4 {
                    group.addTask {
                        for i in 0..<1000 { loop.post { seen.withLock { $0[sender].append(i) } } }
                        await withCheckedContinuation { continuation in loop.post { continuation.resume() } }
                    }
                }
            }
            #expect(seen.withLock { $0 } == Array(repeating: Array(0..<1000), count: 4))
        }
    }

    @Test func aSource_isWatchedForWhatItWasLastModifiedTo_andNoMoreOnceUnregistered() async throws {
        final class Pipe: EventSource, @unchecked Sendable {  // Sendable: touched on the loop only.
            var reports = 0
            override func ready(_ readiness: Readiness) {
                reports += 1
                var byte: UInt8 = 0
                _ = read(descriptor, &byte, 1)
            }
        }
        try await withLoops(1) { loops in
            let loop = loops[0]
            var ends: [Int32] = [0, 0]
            #expect(pipe(&ends) == 0)
            _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
            let (reader, writer) = (ends[0], ends[1])
            let reports = await Task(executorPreference: loop.executor) {
                let source = Pipe(descriptor: reader)
                var reports: [Int] = []
                func send() async {
                    _ = write(writer, "x", 1)
                    await loop.nextTurn()
                    await loop.nextTurn()
                    reports.append(source.reports)
                }
                loop.register(source, for: .readable)
                await send()
                loop.modify(source, for: [])
                await send()
                loop.modify(source, for: .readable)
                await send()
                loop.unregister(source)
                await send()
                loop.register(source, for: .readable)
                await loop.nextTurn()
                await loop.nextTurn()
                loop.unregister(source)
                return reports + [source.reports]
            }.value
            // The byte that was sent unwatched is read with the next report, one each.
            #expect(reports[0] == 1 && reports[1] == 1 && reports[2] >= 2)
            #expect(reports[3] == reports[2] && reports[4] > reports[3])
            close(reader)
            close(writer)
        }
    }

    @Test func aTimeBeyondTheClock_doesNotFireAtOnce() async throws {
        try await withLoops(1) { loops in
            let loop = loops[0]
            let isSet = await Task(executorPreference: loop.executor) {
                let timer = LoopTimer()
                loop.set(timer, after: .max)
                await loop.nextTurn()
                await loop.nextTurn()
                defer { loop.clear(timer) }
                return timer.isSet
            }.value
            #expect(isSet)
        }
    }

    @Test func sleepers_wakeInOrderOfTheirDeadlines() async throws {
        try await withLoops(1) { loops in
            let loop = loops[0]
            let order = Locked<[Int]>([])
            await withTaskGroup(of: Void.self) { group in
                for delay in [9, 1, 5, 3, 7] {
                    group.addTask(executorPreference: loop.executor) {
                        try? await loop.sleep(nanoseconds: Int64(delay) * 2_000_000)
                        order.withLock { $0.append(delay) }
                    }
                }
            }
            #expect(order.withLock { $0 } == [1, 3, 5, 7, 9])
        }
    }

    @Test(arguments: [true, false])
    func cancelledSleep_throwsAtOnce(cancelsBefore: Bool) async throws {
        try await withLoops(1) { loops in
            let loop = loops[0]
            let begun = Locked(false)
            let task = Task(executorPreference: loop.executor) {
                begun.withLock { $0 = true }
                try await loop.sleep(nanoseconds: 3600 * 1_000_000_000)
            }
            if !cancelsBefore { while !begun.withLock({ $0 }) { await Task.yield() } }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    @Test func turnEnd_runsPhasesInOrder_andWorkAddedByAnEarlierPhase() async throws {
        final class Work: TurnEndWork {
            let body: () -> Void
            init(_ body: @escaping () -> Void) { self.body = body }
            func turnEnds() { body() }
        }
        try await withLoops(1) { loops in
            let loop = loops[0]
            let order = Locked<[String]>([])
            await Task(executorPreference: loop.executor) {
                loop.atTurnEnd(.output, Work { order.withLock { $0.append("output") } })
                loop.atTurnEnd(
                    .events,
                    Work {
                        order.withLock { $0.append("events") }
                        loop.atTurnEnd(.exchange, Work { order.withLock { $0.append("exchange") } })
                    })
                await loop.nextTurn()
            }.value
            #expect(order.withLock { $0 } == ["events", "exchange", "output"])
        }
    }

    @Test func busyProducer_thatYieldsTurns_letsOthersRun() async throws {
        try await withLoops(1) { loops in
            let loop = loops[0]
            let isDone = Locked(false)
            let producer = Task(executorPreference: loop.executor) {
                var turns = 0
                while !isDone.withLock({ $0 }) {
                    await loop.nextTurn()
                    turns += 1
                }
                return turns
            }
            let other = Task(executorPreference: loop.executor) {
                try? await loop.sleep(nanoseconds: 1_000_000)
                isDone.withLock { $0 = true }
            }
            await other.value
            #expect(await producer.value > 0)
        }
    }

    @Test func jobThatBlocks_isReportedByName() async throws {
        let group = try EventLoopGroup(count: 1)
        let reports = Monitor<[String]>([])
        try group.start(blockWarningNanoseconds: 5_000_000) { activity, _, nanoseconds, _ in
            reports.update {
                $0.append(nanoseconds >= 5_000_000 ? activity : "too early")
                return true
            }
        }
        let loop = group.loops[0]
        let executor = LoopExecutor(loop: loop, name: ActivityName("greedy"))
        await Task(executorPreference: executor) {
            let end = cl_monotonic_ns() + 20_000_000
            while cl_monotonic_ns() < end {}
        }.value
        let found: [String]? = reports.wait(nanoseconds: 5_000_000_000) { $0.isEmpty ? nil : $0 }
        group.stop()
        #expect(found == ["greedy"])
    }

    @Test func edgeTriggeredSource_isToldOncePerChange() async throws {
        final class Reader: EventSource, @unchecked Sendable {
            let reports = Monitor<[Int]>([])
            override func ready(_ readiness: Readiness) {
                var bytes = [UInt8](repeating: 0, count: 64)
                let n = read(descriptor, &bytes, bytes.count)
                reports.update {
                    $0.append(n)
                    return true
                }
            }
        }
        try await withLoops(1) { loops in
            let loop = loops[0]
            var pipe: [Int32] = [0, 0]
            #expect(Glibc.pipe(&pipe) == 0)
            let reader = Reader(descriptor: pipe[0])
            await Task(executorPreference: loop.executor) { _ = loop.register(reader, for: [.readable, .edgeTriggered]) }.value
            #expect(write(pipe[1], "abc", 3) == 3)
            #expect(reader.reports.wait { $0.isEmpty ? nil : $0 } == [3])
            #expect(write(pipe[1], "defgh", 5) == 5)
            #expect(reader.reports.wait { $0.count < 2 ? nil : $0 } == [3, 5])
            await Task(executorPreference: loop.executor) { loop.unregister(reader) }.value
            close(pipe[0])
            close(pipe[1])
        }
    }
}

@Suite struct TimerHeapTests {
    @Test(arguments: [UInt64(1), 2, 3, 4, 5])
    func randomSetsMovesAndClears_popInOrder(seed: UInt64) {
        var random = SplitMix(state: seed)
        var heap = TimerHeap()
        var expected: [(deadline: Int64, timer: LoopTimer)] = []
        for _ in 0..<2000 {
            switch random.next() % 4 {
            case 0, 1:
                let timer = LoopTimer()
                let deadline = Int64(random.next() % 10_000)
                heap.set(timer, deadline: deadline)
                expected.append((deadline, timer))
            case 2 where !expected.isEmpty:
                let index = Int(random.next() % UInt64(expected.count))
                let deadline = Int64(random.next() % 10_000)
                heap.set(expected[index].timer, deadline: deadline)
                expected[index].deadline = deadline
            case 3 where !expected.isEmpty:
                let index = Int(random.next() % UInt64(expected.count))
                heap.clear(expected[index].timer)
                #expect(!expected[index].timer.isSet)
                expected.remove(at: index)
            default: break
            }
            #expect(heap.count == expected.count)
            #expect(heap.earliest == expected.map(\.deadline).min())
        }
        let popped = (0..<expected.count).compactMap { _ in
            let earliest = heap.earliest
            return heap.popDue(now: .max).map { _ in earliest ?? -1 }
        }
        #expect(popped == expected.map(\.deadline).sorted())
        #expect(heap.popDue(now: .max) == nil)
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): a small generator with a seed, so that a failure can be run again.
struct SplitMix {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
