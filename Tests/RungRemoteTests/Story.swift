import Glibc
import RungCore
import RungRemote
import RungStore
import Synchronization
import Testing

/// What every remote must do, whatever its kind.
enum Story: String, CaseIterable {
  case whatIsPushedCanBePulled
  case whatIsThereIsNotSentAgain
  case largeObjectsComeWhole
  case whatIsMissingIsTold
  case aFlippedByteIsNeverTaken
  case resultsAreKeptAndReplaced
  case whatThisSideLacksIsTold
  case severalThreadsAtOnce

  func tell(_ place: Place) throws {
    switch self {
    case .whatIsPushedCanBePulled: try pushAndPull(place)
    case .whatIsThereIsNotSentAgain: try again(place)
    case .largeObjectsComeWhole: try large(place)
    case .whatIsMissingIsTold: try missing(place)
    case .aFlippedByteIsNeverTaken: try flipped(place)
    case .resultsAreKeptAndReplaced: try results(place)
    case .whatThisSideLacksIsTold: try lacking(place)
    case .severalThreadsAtOnce: try threads(place)
    }
  }

  private func pushAndPull(_ place: Place) throws {
    let (mine, yours) = (try place.scene.cache("mine"), try place.scene.cache("yours"))
    let objects = try Scene.fill(mine, [1, 100, 4096, 65_536, 65_537, 300_000, 3 << 20] + Array(50..<150))
    let seen = Mutex<[TransferProgress]>([])
    let pushed = try place.remote().push(objects + [.empty, objects[0]], from: mine) { state in
      seen.withLock { $0.append(state) }
    }
    #expect(pushed.failed.isEmpty)
    #expect(pushed.moved == objects.count)
    #expect(pushed.skipped == 2)
    let last = try #require(seen.withLock { $0.last })
    #expect(last.objects == objects.count + 2 && last.ofObjects == objects.count + 2)
    #expect(last.bytes >= pushed.bytes && pushed.bytes > 3 << 20)

    let never = Digest(ofText: "nobody has this")
    #expect(try place.remote().present(objects + [never, .empty]) == Set(objects + [.empty]))

    let pulled = try place.remote().pull(objects + [.empty], into: yours)
    #expect(pulled.failed.isEmpty)
    #expect(pulled.moved == objects.count)
    try yours.flush()
    for digest in objects {
      #expect(try yours.read(digest, limit: .max) == mine.read(digest, limit: .max))
    }
  }

  private func again(_ place: Place) throws {
    let (mine, yours) = (try place.scene.cache("mine"), try place.scene.cache("yours"))
    let objects = try Scene.fill(mine, Array(repeating: 5000, count: 40))
    _ = try place.remote().push(Array(objects[..<25]), from: mine)
    let pushed = try place.remote().push(objects, from: mine)
    #expect(pushed.moved == 15 && pushed.skipped == 25 && pushed.failed.isEmpty)
    #expect(pushed.bytes == 15 * 5000)
    _ = try place.remote().pull(Array(objects[..<30]), into: yours)
    let pulled = try place.remote().pull(objects, into: yours)
    #expect(pulled.moved == 10 && pulled.skipped == 30 && pulled.failed.isEmpty)
  }

  private func large(_ place: Place) throws {
    let (mine, yours) = (try place.scene.cache("mine"), try place.scene.cache("yours"))
    let objects = try Scene.fill(mine, [40 << 20, 20 << 20, 9 << 20, (2 << 20) + 1, 2 << 20])
    let remote = try place.remote()
    let pushed = try remote.push(objects, from: mine)
    #expect(pushed.moved == 5 && pushed.failed.isEmpty)
    let pulled = try remote.pull(objects, into: yours)
    #expect(pulled.moved == 5 && pulled.failed.isEmpty)
    try yours.flush()
    for digest in objects { #expect(try yours.verify(digest) == mine.size(digest)) }
  }

  private func missing(_ place: Place) throws {
    let (mine, yours) = (try place.scene.cache("mine"), try place.scene.cache("yours"))
    let objects = try Scene.fill(mine, Array(repeating: 70_000, count: 12))
    _ = try place.remote().push(objects, from: mine)
    try place.lose(objects[4])
    let pulled = try place.remote().pull(objects, into: yours)
    #expect(pulled.moved == 11)
    #expect(pulled.failed.keys.map(\.self) == [objects[4]])
    #expect(pulled.failed[objects[4]]?.kind == .missing)
    #expect(pulled.failed[objects[4]]?.message.contains(objects[4].hex) == true)
    // And another push heals it.
    #expect(try place.remote().push(objects, from: mine).moved == 1)
    #expect(try place.remote().pull(objects, into: yours).moved == 1)
  }

  private func flipped(_ place: Place) throws {
    let (mine, yours) = (try place.scene.cache("mine"), try place.scene.cache("yours"))
    let objects = try Scene.fill(mine, [100, 5000, 200_000, 200_000, 3 << 20, 77, 78])
    _ = try place.remote().push(objects, from: mine)
    for digest in [objects[1], objects[2], objects[4]] { try place.flip(digest) }
    let remote = try place.remote()
    let pulled = try remote.pull(objects, into: yours)
    #expect(pulled.moved == 4)
    #expect(Set(pulled.failed.keys) == [objects[1], objects[2], objects[4]])
    for (digest, error) in pulled.failed {
      #expect(error.kind == .damaged, "\(error)")
      #expect(error.message.contains(digest.hex), "\(error)")
      #expect(!yours.contains(digest))
    }
    try yours.flush()
    #expect(try yours.check().damaged.isEmpty)
    // A push by who has met them, or by anyone where they were set aside, heals them.
    #expect(try remote.push(objects, from: mine).moved == 3)
    #expect(try place.remote().pull(objects, into: yours).moved == 3)
  }

  private func results(_ place: Place) throws {
    let remote = try place.remote()
    let (key, other) = (Digest(ofText: "key"), Digest(ofText: "other"))
    #expect(try remote.result(key) == nil)
    try remote.putResult([1, 2, 3], for: key)
    #expect(try remote.result(key) == [1, 2, 3])
    let long = Scene.bytes(5, 1_500_000)
    try remote.putResult(long, for: key)
    try remote.putResult([], for: other)
    #expect(try place.remote().result(key) == long)
    #expect(try place.remote().result(other) == [])
    // A result is no object.
    #expect(try remote.present([key]).isEmpty)
  }

  private func lacking(_ place: Place) throws {
    let mine = try place.scene.cache("mine")
    let objects = try Scene.fill(mine, [10, 20, 100_000])
    let never = Digest(ofText: "nobody has this")
    let pushed = try place.remote().push(objects + [never], from: mine)
    #expect(pushed.moved == 3)
    #expect(pushed.failed[never]?.kind == .local)
    #expect(try place.remote().present([never]).isEmpty)
    #expect(try place.remote().push(objects, from: mine).skipped == 3)
  }

  private func threads(_ place: Place) throws {
    let mine = try place.scene.cache("mine")
    let objects = try Scene.fill(mine, (0..<60).map { 1000 + 3000 * $0 })
    let remote = try place.remote()
    let problems = Mutex<[String]>([])
    let over = Mutex(0)
    let store = try place.scene.cache("yours")
    for number in 0..<4 {
      Thread.start {
        do {
          let part = objects.enumerated().filter { $0.offset % 4 == number }.map(\.element)
          let pushed = try remote.push(part, from: mine)
          try remote.putResult(Array("\(number)".utf8), for: part[0])
          let pulled = try remote.pull(part, into: store)
          let result = try remote.result(part[0])
          if pushed.moved != part.count || pulled.moved != part.count || result != Array("\(number)".utf8) {
            problems.withLock { $0.append("\(number): \(pushed) \(pulled)") }
          }
        } catch {
          problems.withLock { $0.append("\(number): \(error)") }
        }
        over.withLock { $0 += 1 }
      }
    }
    while over.withLock({ $0 }) < 4 { sched_yield() }
    #expect(problems.withLock { $0 } == [])
  }
}
