import Millrace
import MillraceCore
import Testing

@testable import MillraceServer

@Suite struct RunTailTests {
    private func batch(_ first: Int, _ last: Int, bytes: Int = 10) -> EventBatch {
        var frames = ByteBuffer()
        frames.append([UInt8](repeating: 0x61, count: bytes))
        return EventBatch(firstSequence: first, lastSequence: last, frames: frames)
    }

    /// A tail that keeps about 100 bytes, with batches of three events and 10 bytes each, all committed but the last `waiting`.
    private func tail(batches: Int, waiting: Int = 0) -> RunTail {
        let tail = RunTail(limit: 100)
        for number in 0..<batches {
            tail.append(batch(number * 3 + 1, number * 3 + 3))
            if number >= waiting { tail.committed(through: (number - waiting) * 3 + 3) }
        }
        return tail
    }

    @Test(arguments: [1, 10, 11, 12, 43, 64, 200])
    func committedBatches_areDroppedAboveTheLimit(_ count: Int) {
        let tail = tail(batches: count)
        #expect(tail.batches.count == min(count, 10))
        #expect(tail.floorSequence == max(count - 10, 0) * 3)
        #expect(tail.lastSequence == count * 3)
        #expect(tail.batches.first?.firstSequence == tail.floorSequence + 1)
    }

    @Test func uncommittedBatches_stay() {
        let tail = tail(batches: 30, waiting: 20)
        #expect(tail.batches.count == 20)
        #expect(tail.floorSequence == 30)
        tail.committed(through: 90)
        #expect(tail.floorSequence == 60)
    }

    @Test(arguments: [5, 12, 45, 100])
    func everyCursorFromTheFloorOn_findsItsBatch(_ count: Int) {
        let tail = tail(batches: count)
        for cursor in tail.floorSequence..<tail.lastSequence {
            #expect(tail.batch(after: cursor)?.firstSequence == cursor / 3 * 3 + 1)
        }
        #expect(tail.batch(after: tail.lastSequence) == nil)
    }

    @Test func everythingDropped_theFloorIsTheEnd() {
        let tail = RunTail(limit: 5)
        tail.append(batch(1, 4))
        tail.committed(through: 4)
        #expect(tail.batches.isEmpty)
        #expect(tail.floorSequence == 4)
        tail.append(batch(5, 5))
        #expect(tail.floorSequence == 4)
        #expect(tail.batch(after: 4)?.firstSequence == 5)
    }

    @Test func batchOfHiddenEventsOnly_isNoPartOfTheTail() {
        let tail = tail(batches: 2)
        tail.append(EventBatch(firstSequence: 7, lastSequence: 6, frames: ByteBuffer(), hidden: [0x7B, 0x7D]))
        #expect(tail.batches.count == 2)
        #expect(tail.batch(after: 6) == nil)
    }

    @Test func copyOfATail_startsWhereTheOtherStands() {
        let home = tail(batches: 20)
        let copy = RunTail(limit: 100)
        copy.adopt(floor: home.floorSequence, batches: home.batches)
        #expect(copy.floorSequence == home.floorSequence)
        #expect(copy.lastSequence == home.lastSequence)
        copy.adopt(floor: 60, batches: [])
        #expect(copy.floorSequence == 60)
        #expect(copy.batch(after: 60) == nil)
    }
}
