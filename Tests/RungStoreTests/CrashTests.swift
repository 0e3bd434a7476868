import Glibc
import RungCore
import Testing

@testable import RungStore

/// Every state that a crash at any point could leave on the disk, as far as the bounds go, is made, opened and held
/// against what had been promised by then.
@Suite struct CrashTests {
  /// How many mixtures of lost and kept changes are tried after each change, besides the plain ones.
  private static let mixtures = setting("RUNG_TEST_CRASH_MIXTURES", 12)
  private static let seed = UInt64(setting("RUNG_TEST_SEED", 1))

  private struct Tally {
    var points = 0
    var states = 0
    var syncs = 0
    var problems: [String] = []
  }

  // Replays a recording and looks at what crashes would leave, until `limit` problems are found.
  private func enumerate(
    _ recorder: CrashRecorder, _ belongings: Belongings, in folder: String, mixtures: Int = Self.mixtures,
    limit: Int = 5, honours: @escaping @Sendable (Int) -> Bool = { _ in true }
  ) throws -> Tally {
    var random = Seeded(Self.seed)
    var disk = CrashDisk(folder: recorder.folder)
    disk.honours = honours
    var tally = Tally()
    var promised = Known()
    var promises = 0
    var indexes: [[String: [UInt8]]] = [[:]]
    var seen: Set<Digest> = []
    for (number, step) in recorder.steps.enumerated() {
      switch step {
      case .promised(let known):
        promised.add(known)
        promises += 1
      case .withdrawn(let digests): promised.remove(digests)
      case .index(let files): indexes.append(files)
      case .event(let event):
        guard disk.handle(event) else { continue }
      }
      tally.points += 1
      for fates in disk.fates(extra: mixtures, &random) {
        let image = disk.image(fates)
        let index = chooseIndex(indexes, &random)
        guard seen.insert(Digest(of: Array("\(image.fingerprint().hex) \(promises) \(index.name)".utf8))).inserted
        else { continue }
        tally.states += 1
        let place = "\(folder)/state"
        mkdir(place, 0o755)
        defer { try? removeTree(place, in: AT_FDCWD, .live, at: place) }
        try image.write(to: place)
        try write([1, 2, 3], to: "\(place)/outside")
        if access("\(place)/cache", F_OK) == 0 {
          for (name, bytes) in index.files { try write(bytes, to: "\(place)/cache/\(name)") }
        }
        var found = problems(
          after: place, promised: promised, belongings, first: FirstLook.allCases[tally.states % 3],
          indexIsGarbage: index.name == "garbage")
        if try contents("\(place)/outside") != [1, 2, 3] { found.append("a file beside the cache was changed") }
        for problem in found {
          tally.problems.append("step \(number), \(describe(fates)), index \(index.name): \(problem)")
        }
        if tally.problems.count >= limit { return tally }
      }
    }
    tally.syncs = disk.syncs
    return tally
  }

  // The database as of any moment so far, none at all, or bytes that are no database.
  private func chooseIndex(
    _ known: [[String: [UInt8]]], _ random: inout Seeded
  ) -> (name: String, files: [String: [UInt8]]) {
    // A store without a database has no state of it to choose.
    guard let newest = known.last, !newest.isEmpty else { return ("none", [:]) }
    switch Int.random(in: 0..<10, using: &random) {
    case 0: return ("none", [:])
    case 1: return ("garbage", ["objects.sqlite": sample(5000)])
    case 2: return ("garbage", newest.mapValues { Array($0.prefix($0.count / 2)) })
    case 3...5:
      let chosen = Int.random(in: 0..<known.count, using: &random)
      return ("\(chosen)", known[chosen])
    default: return ("newest", newest)
    }
  }

  private func describe(_ fates: [DiskImage.Fate]) -> String {
    fates.isEmpty ? "nothing pending" : fates.map { "\($0)".prefix(1) }.joined()
  }

  // Records the scenario in a folder and hands over the recording, with another folder for the states.
  private func withRecording<T>(_ body: (CrashRecorder, Belongings, String) throws -> T) throws -> T {
    try withFolder { folder in
      for name in ["user", "recorded", "states"] { mkdir("\(folder)/\(name)", 0o755) }
      let belongings = try Belongings(in: "\(folder)/user")
      let recorder = CrashRecorder(folder: "\(folder)/recorded")
      try liveALife("\(folder)/recorded/cache", belongings, recorder)
      return try body(recorder, belongings, "\(folder)/states")
    }
  }

  @Test func aCrashAtAnyPointLosesNothingThatWasPromised() throws {
    try withRecording { recorder, belongings, folder in
      let tally = try enumerate(recorder, belongings, in: folder)
      #expect(tally.problems == [], "seed \(Self.seed)")
      #expect(tally.points > 50 && tally.states > 300, "\(tally)")
      print("crashes: \(tally.points) points, \(tally.states) states, \(tally.syncs) syncs, seed \(Self.seed)")
    }
  }

  // Otherwise the test above would say nothing: the model does keep what is not synchronised from being safe, and the
  // comparison with the promises does see it.
  @Test func aStoreThatForgetsToSyncIsFoundOut() throws {
    try withRecording { recorder, belongings, folder in
      let tally = try enumerate(recorder, belongings, in: folder, limit: 1) { _ in false }
      #expect(!tally.problems.isEmpty)
    }
  }

  // Each sync that a flush waits for is there for a reason: without it something is lost.
  @Test(.enabled(if: isLong, "needs RUNG_TEST_LONG=1"))
  func aStoreThatForgetsOneSyncIsFoundOut() throws {
    try withRecording { recorder, belongings, folder in
      var disk = CrashDisk(folder: recorder.folder)
      for case .event(let event) in recorder.steps { _ = disk.handle(event) }
      var needed: [Int] = []
      for sync in 1...disk.syncs {
        let tally = try enumerate(recorder, belongings, in: folder, mixtures: 0, limit: 1) { $0 != sync }
        if !tally.problems.isEmpty { needed.append(sync) }
      }
      print("crashes: of \(disk.syncs) syncs, these were missed when left out: \(needed)")
      #expect(needed.count >= 6)
    }
  }

  // What the recording makes of the disk is what the disk was.
  @Test func theRecordingIsComplete() throws {
    try withRecording { recorder, belongings, folder in
      var disk = CrashDisk(folder: recorder.folder)
      for case .event(let event) in recorder.steps { _ = disk.handle(event) }
      mkdir("\(folder)/replayed", 0o755)
      try disk.live.write(to: "\(folder)/replayed")
      let index = Set((CrashRecorder.indexFiles + ["objects.sqlite.lock"]).map { "cache/\($0)" })
      let was = files(recorder.folder).filter { !index.contains($0) }
      #expect(files("\(folder)/replayed") == was)
      for file in was { #expect(try contents("\(folder)/replayed/\(file)") == contents("\(recorder.folder)/\(file)")) }
    }
  }
}
