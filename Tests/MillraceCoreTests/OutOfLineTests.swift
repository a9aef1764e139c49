import MillraceCore
import Testing

@Suite struct OutOfLineTests {
    @Test func changed_copiesStayAsTheyWere() {
        var first = OutOfLine([1, 2])
        let second = first
        first.value.append(3)
        #expect(first.value == [1, 2, 3])
        #expect(second.value == [1, 2])
        first.value.append(4)
        #expect(first.value == [1, 2, 3, 4])
    }

    @Test func changedAlone_staysInPlace() {
        final class Counted: Sendable {}
        var alone = OutOfLine([Counted()])
        let before = ObjectIdentifier(alone.value[0])
        alone.value.append(Counted())
        #expect(ObjectIdentifier(alone.value[0]) == before)
        #expect(alone.value.count == 2)
    }

    @Test func equal_byValue() {
        let one = OutOfLine("a")
        #expect(one == OutOfLine("a"))
        #expect(one == one)
        #expect(one != OutOfLine("b"))
    }
}
