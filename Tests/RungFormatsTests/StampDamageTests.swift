import RungCore
import RungFormats
import Testing

/// Whatever happens to a stamped file, nothing but the artifact's own bytes is said to be unedited.
@Suite struct StampDamageTests {
  private static func isHonest(_ bytes: [UInt8], _ artifact: [UInt8]) -> Bool {
    guard let reading = Stamping.reading(bytes) else { return true }
    return !reading.isUnedited || reading.original == artifact
  }

  @Test(arguments: StampSamples.small) func aFileCutAnywhereIsNotUnedited(_ bytes: [UInt8]) throws {
    let stamped = try #require(Stamping.stamped(bytes, with: StampSamples.stamp(bytes)))
    for count in 0..<stamped.count {
      let cut = Array(stamped[..<count])
      // Before the update of a PDF there is the artifact itself, without a stamp.
      #expect(Stamping.reading(cut)?.isUnedited != true, "cut to \(count)")
      _ = Stamping.stamped(cut, with: StampSamples.stamp(cut))
    }
  }

  @Test(arguments: StampSamples.small.prefix(3)) func aToppledBitIsNoticed(_ bytes: [UInt8]) throws {
    let stamped = try #require(Stamping.stamped(bytes, with: StampSamples.stamp(bytes)))
    for place in stamped.indices {
      for bit in 0..<8 {
        var damaged = stamped
        damaged[place] ^= 1 << bit
        #expect(Stamping.reading(damaged)?.isUnedited != true, "bit \(bit) of byte \(place)")
      }
    }
  }

  @Test(arguments: StampSamples.small) func aByteLessOrMoreIsNoticed(_ bytes: [UInt8]) throws {
    let stamped = try #require(Stamping.stamped(bytes, with: StampSamples.stamp(bytes)))
    for place in stamped.indices {
      var less = stamped
      less.remove(at: place)
      #expect(Self.isHonest(less, bytes) && less != stamped && Stamping.reading(less)?.isUnedited != true)
      var more = stamped
      more.insert(0x20, at: place)
      #expect(Stamping.reading(more)?.isUnedited != true, "a space at \(place)")
    }
  }

  @Test func whatIsReadOfADamagedFileCanBeStampedAgain() throws {
    var dice = StampDice(state: 5)
    for bytes in StampSamples.small {
      let stamped = try #require(Stamping.stamped(bytes, with: StampSamples.stamp(bytes)))
      for _ in 0..<300 {
        var damaged = stamped
        for _ in 0..<3 {
          damaged[Int.random(in: 0..<damaged.count, using: &dice)] = UInt8.random(in: 0...255, using: &dice)
        }
        let stamp = StampSamples.stamp(damaged, instance: "again")
        guard let again = Stamping.stamped(damaged, with: stamp) else { continue }
        #expect(Stamping.read(again)?.original == damaged)
        #expect(Stamping.read(again)?.stamp == stamp)
      }
    }
  }

  @Test func damagedDocumentsAreLookedThrough() throws {
    let whole = try StampSamples.fixture("xetex.pdf")
    var dice = StampDice(state: 9)
    for _ in 0..<200 {
      var damaged = whole
      for _ in 0..<4 {
        damaged[Int.random(in: 0..<damaged.count, using: &dice)] = UInt8.random(in: 0...255, using: &dice)
      }
      if Bool.random(using: &dice) { damaged.removeLast(Int.random(in: 0..<damaged.count, using: &dice)) }
      // It may throw; what it finds is bounded by what is there.
      if let figures = try? EmbeddedFigures.inPDF(damaged) { #expect(figures.count <= 8) }
    }
  }
}
