import Glibc
import RungCore
import Testing

@testable import RungStore

@Suite struct PlaneChoiceTests {
  // Numbers of a normal distribution around zero, as the weights of a network are.
  private func weights(_ count: Int) -> [Double] {
    let bits = noise(16 * count, seed: 3)
    return (0..<count).map { index in
      let (u, v) = (Double(word(bits, 2 * index)), Double(word(bits, 2 * index + 1)))
      return 0.02 * sqrt(-2 * log((u + 1) / 0x1p64)) * cos(2 * Double.pi * v / 0x1p64)
    }
  }

  private func word(_ bytes: [UInt8], _ index: Int) -> UInt64 {
    bytes[(8 * index)..<(8 * index + 8)].reduce(0) { $0 << 8 | UInt64($1) }
  }

  private func bytes<Number>(_ numbers: [Number]) -> [UInt8] { numbers.withUnsafeBytes { Array($0) } }

  private func choice(_ content: [UInt8], samples: Int = 3) -> BytePlanes {
    content.withUnsafeBytes { all in
      let part = all.count / samples
      return BytePlanes.choose(
        (0..<samples).map { UnsafeRawBufferPointer(rebasing: all[($0 * part)..<($0 * part + part)]) }
      ).planes
    }
  }

  @Test func floatsOfEachWidthGetTheirPlanes() {
    let numbers = weights(24_576)
    #expect(choice(bytes(numbers.map { Float($0) })) == .four)
    #expect(choice(bytes(numbers)) == .eight)
    #expect(choice(bytes(numbers.map { UInt16(Float($0).bitPattern >> 16) })) == .two)  // bfloat16
    #expect(choice(bytes(numbers.map { Float($0) }), samples: 1) == .four)
  }

  @Test func countersGetTheirPlanes() {
    #expect([.four, .eight].contains(choice(bytes((0..<40_000).map { Int32($0 * 3 + $0 % 7) }))))
    #expect(choice(bytes((0..<40_000).map { Int16($0 % 300) })) == .two)
  }

  @Test func otherContentIsLeftAlone() {
    #expect(choice(noise(200_000, seed: 1)) == .off)
    #expect(choice([UInt8](repeating: 0, count: 200_000)) == .off)
    let text = (0..<9000).map { "row \($0), value \($0 * 7919 % 1013), name sample\n" }.joined()
    #expect(choice(Array(text.utf8)) == .off)
    #expect(BytePlanes.choose([]).planes == .off)
    #expect(choice([], samples: 1) == .off && choice([1], samples: 1) == .off)
  }
}
