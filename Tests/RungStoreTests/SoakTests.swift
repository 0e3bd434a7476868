import Glibc
import Testing

@testable import RungStore

@Suite struct SoakTests {
  // The short form of `make soak`: eight processes on one cache, killed at random, against what was promised.
  @Test func processesThatAreKilledLoseNothingThatWasPromised() throws {
    // Beside the test program.
    let folder = try #require(shell("dirname $(readlink /proc/$PPID/exe)")).dropLast()
    let driver = "\(folder)/rung-store-driver"
    try #require(access(driver, X_OK) == 0, "\(driver) is missing")
    try withFolder { folder in
      let kills = setting("RUNG_TEST_KILLS", 40)
      let seed = setting("RUNG_TEST_SEED", 1)
      let said = shell("'\(driver)' soak '\(folder)/soak' kills \(kills) seed \(seed) 2>&1 || { echo failed; }") ?? ""
      print(said)
      #expect(said.contains("sound: ") && !said.contains("failed") && !said.contains("WRONG"), "\(said)")
    }
  }
}
