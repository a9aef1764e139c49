import Millrace
import MillraceCore
import MillraceEventLoop

/// Who follows a run: readers on its home loop, copies of its tail on other loops, and callers that wait for its end.
extension Run {
    /// Another loop that has a copy of the tail.
    struct Subscriber {
        let loop: Int
        let generation: Int
    }

    /// Somebody who waits for the run's end. Confined to the run's loop.
    final class EndWaiter: @unchecked Sendable {  // Sendable: every access is posted to the run's loop.
        var continuation: UnsafeContinuation<RunCompletion?, Never>?
        var hasLeft = false
    }

    /// Waits until the run is over; `nil` when its end could not be stored. Call it on any loop.
    func ended() async -> RunCompletion? {
        let waiter = EndWaiter()
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                loop.perform {
                    if self.lifecycle.isClosed {
                        continuation.resume(returning: self.completion)
                        return
                    }
                    waiter.continuation = continuation
                    self.endWaiters.append(waiter)
                    self.audienceChanged()
                }
            }
        } onCancel: {
            // Who waited for the answer has left, or has only ended its sending side: the answer still comes, but it counts as no reader.
            loop.perform {
                waiter.hasLeft = true
                self.audienceChanged()
            }
        }
    }

    /// The sequence of the newest event, from any loop. No reader can have seen a later one.
    func newestSequence() async -> Int {
        await withUnsafeContinuation { continuation in loop.perform { continuation.resume(returning: self.log.lastSequence) } }
    }

    /// Another loop wants the events. On the loop.
    /// - Parameter generation: which of the loop's copies this is for; news for an earlier one that is still on its way must not reach it.
    func subscribe(_ loopIndex: Int, generation: Int) {
        subscribers.removeAll { $0.loop == loopIndex }
        let subscriber = Subscriber(loop: loopIndex, generation: generation)
        subscribers.append(subscriber)
        tell(subscriber, .snapshot(floor: tail.floorSequence, tail.batches, tail.retractions, tail.state))
        audienceChanged()
    }

    /// Another loop's last reader has left. On the loop.
    func unsubscribe(_ loopIndex: Int, generation: Int) {
        subscribers.removeAll { $0.loop == loopIndex && $0.generation == generation }
        audienceChanged()
    }

    func tell(_ subscriber: Subscriber, _ news: RunDelta.News) {
        loopRuns.send(RunDelta(responseID, generation: subscriber.generation, news), to: subscriber.loop)
    }

    func audienceChanged() {
        guard case .cancel(let graceSeconds) = handler.options.detach else { return }
        let hasAudience = tail.hasReaders || !subscribers.isEmpty || endWaiters.contains { !$0.hasLeft }
        if hasAudience {
            if let detachGrace { loop.clear(detachGrace) }
        } else if lifecycle.acceptsEvents {
            let timer = detachGrace ?? ActionTimer { [unowned self] in self.stop { $0.cancelled() } }
            detachGrace = timer
            loop.set(timer, after: Int64(graceSeconds * 1_000_000_000))
        }
    }
}
