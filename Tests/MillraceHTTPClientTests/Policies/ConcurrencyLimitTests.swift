import Testing

@testable import MillraceHTTPClient

@Suite struct ConcurrencyLimitTests {
    private func limit(_ exchanges: Int, queue: Int) -> ConcurrencyLimit {
        var settings = HTTPPolicySettings.Limit()
        settings.exchanges = exchanges
        settings.queue = queue
        return ConcurrencyLimit(settings)
    }

    private func queued(_ limit: inout ConcurrencyLimit) throws -> ConcurrencyLimit.Ticket {
        guard case .queued(let ticket) = limit.requestArrived() else {
            Issue.record("not queued")
            throw CancellationError()
        }
        return ticket
    }

    @Test func arrivals_areAdmittedThenQueuedThenRefused() throws {
        var limit = limit(2, queue: 1)
        #expect(limit.requestArrived() == .admitted)
        #expect(limit.requestArrived() == .admitted)
        _ = try queued(&limit)
        #expect(limit.requestArrived() == .queueFull)
        #expect(limit.inUse == 2 && limit.waiting == 1)
    }

    @Test func withoutAQueue_oneOverIsRefused() {
        var limit = limit(1, queue: 0)
        #expect(limit.requestArrived() == .admitted)
        #expect(limit.requestArrived() == .queueFull)
        #expect(limit.permitReturned() == nil)
        #expect(limit.requestArrived() == .admitted)
    }

    @Test func aReturnedPermit_goesToTheFirstInTheQueue() throws {
        var limit = limit(1, queue: 3)
        _ = limit.requestArrived()
        let (first, second) = (try queued(&limit), try queued(&limit))
        #expect(limit.permitReturned() == first)
        #expect(limit.inUse == 1 && limit.waiting == 1)
        // Who arrives now does not overtake.
        let third = try queued(&limit)
        #expect(limit.permitReturned() == second)
        #expect(limit.permitReturned() == third)
        #expect(limit.permitReturned() == nil)
        #expect(limit.inUse == 0 && limit.waiting == 0)
    }

    @Test func aWaiterThatLeft_isPassedOver() throws {
        var limit = limit(1, queue: 2)
        _ = limit.requestArrived()
        let (first, second) = (try queued(&limit), try queued(&limit))
        #expect(limit.waiterLeft(first) == true)
        #expect(limit.waiterLeft(first) == false)
        // Its place is free at once.
        let third = try queued(&limit)
        #expect(limit.permitReturned() == second)
        // Whoever has a permit can only give it back.
        #expect(limit.waiterLeft(second) == false)
        #expect(limit.permitReturned() == third)
    }

    /// Against the plainest model there is: an array.
    @Test(arguments: 0..<50) func anyInterleaving_isFairAndLosesNoPermit(seed: UInt64) {
        var generator = SeededGenerator(seed)
        let (most, longest) = (Int.random(in: 1...4, using: &generator), Int.random(in: 0...200, using: &generator))
        var limit = limit(most, queue: longest)
        var inUse = 0
        var queue: [ConcurrencyLimit.Ticket] = []
        var gone: [ConcurrencyLimit.Ticket] = []
        for _ in 0..<2000 {
            switch Int.random(in: 0..<8, using: &generator) {
            case 0...3:
                switch limit.requestArrived() {
                case .admitted:
                    #expect(inUse < most && queue.isEmpty)
                    inUse += 1
                case .queued(let ticket):
                    #expect(inUse == most && queue.count < longest)
                    queue.append(ticket)
                case .queueFull: #expect(inUse == most && queue.count == longest)
                }
            case 4...5 where inUse > 0:
                let next = limit.permitReturned()
                #expect(next == queue.first)
                if queue.isEmpty { inUse -= 1 } else { gone.append(queue.removeFirst()) }
            case 6 where !queue.isEmpty:
                let index = queue.indices.randomElement(using: &generator) ?? 0
                #expect(limit.waiterLeft(queue[index]) == true)
                gone.append(queue.remove(at: index))
            case 7:
                if let ticket = gone.randomElement(using: &generator) { #expect(limit.waiterLeft(ticket) == false) }
            default: break
            }
            #expect(limit.inUse == inUse && limit.waiting == queue.count && inUse <= most)
        }
        while inUse > 0 {
            #expect(limit.permitReturned() == queue.first)
            if queue.isEmpty { inUse -= 1 } else { queue.removeFirst() }
        }
        #expect(limit.inUse == 0 && limit.waiting == 0)
    }
}
