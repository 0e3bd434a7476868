import Glibc
import RungCore

@testable import RungStore

/// A disk that knows which changes it could still lose. It is fed with what a store told its recorder.
///
/// The model is weaker than ext4 and XFS are: pending changes may arrive in any combination, whatever their order; a
/// rename arrives whole or not at all; only a sync makes anything sure, one of a file its bytes and size, one of a folder
/// its names, one of the file system everything.
struct CrashDisk: Sendable {
  private(set) var sure = DiskImage()
  private(set) var live = DiskImage()
  private(set) var pending: [DiskImage.Change] = []

  private struct Opened {
    let node: Int
    var position = 0
    let appends: Bool
  }
  private let folder: String
  private var opened: [Int32: Opened] = [:]

  /// Which syncs do something, by their number in the recording; a broken disk or a forgetful store is one that leaves
  /// some out.
  var honours: @Sendable (_ sync: Int) -> Bool = { _ in true }
  private(set) var syncs = 0

  /// Watches what happens below the existing folder; the rest of the world does not count.
  init(folder: String) { self.folder = folder }

  /// The folder and the last component that a name stands for; nil outside.
  private func resolve(_ folder: Int32, _ name: String) -> (folder: Int, name: String)? {
    var node: Int
    var rest = Substring(name)
    if name.hasPrefix("/") {
      guard name == self.folder || name.hasPrefix(self.folder + "/") else { return nil }
      node = 0
      rest = name.dropFirst(self.folder.count)
    } else {
      guard let start = opened[folder] else { return nil }
      node = start.node
    }
    let parts = rest.split(separator: "/").filter { $0 != "." }
    guard let last = parts.last else { return (node, ".") }
    for part in parts.dropLast() {
      guard let next = live.folder(node)?[String(part)] else { return nil }
      node = next
    }
    return (node, String(last))
  }

  private func find(_ place: (folder: Int, name: String)) -> Int? {
    place.name == "." ? place.folder : live.folder(place.folder)?[place.name]
  }

  private mutating func make(_ node: DiskImage.Node, _ place: (folder: Int, name: String)) -> Int {
    sure.nodes.append(node)
    live.nodes.append(node)
    change(.name(folder: place.folder, place.name, node: live.nodes.count - 1))
    return live.nodes.count - 1
  }

  private mutating func change(_ change: DiskImage.Change) {
    live.apply(change)
    pending.append(change)
  }

  /// Takes note of what happened. True when a crash now could leave something that it could not leave before.
  mutating func handle(_ event: FileSystem.Event) -> Bool {
    let before = pending.count
    switch event {
    case .opened(let descriptor, let folder, let name, let flags):
      opened[descriptor] = nil
      guard let place = resolve(folder, name) else { return false }
      var node = find(place)
      if node == nil, flags & O_CREAT != 0 { node = make(.file([]), place) }
      guard let node else { return false }
      if flags & O_TRUNC != 0, live.bytes(node)?.isEmpty == false { change(.cut(node: node, 0)) }
      opened[descriptor] = Opened(node: node, appends: flags & O_APPEND != 0)
    case .closed(let descriptor): opened[descriptor] = nil
    case .wrote(let descriptor, let offset, let bytes):
      guard var file = opened[descriptor] else { return false }
      let at = offset.map { Int($0) } ?? (file.appends ? live.bytes(file.node)?.count ?? 0 : file.position)
      if offset == nil { file.position = at + bytes.count }
      opened[descriptor] = file
      change(.write(node: file.node, offset: at, bytes))
    case .cut(let descriptor, let size):
      guard let file = opened[descriptor] else { return false }
      change(.cut(node: file.node, Int(size)))
    case .cloned(let descriptor, let source):
      guard let file = opened[descriptor], let from = opened[source], let bytes = live.bytes(from.node) else {
        return false
      }
      change(.replace(node: file.node, bytes))
    case .madeFolder(let folder, let name):
      guard let place = resolve(folder, name) else { return false }
      _ = make(.folder([:]), place)
    case .madeLink(let folder, let name, let target):
      guard let place = resolve(folder, name) else { return false }
      _ = make(.link(target), place)
    case .renamed(let folder, let name, let newFolder, let newName):
      guard let old = resolve(folder, name), let new = resolve(newFolder, newName), let node = find(old) else {
        return false
      }
      change(.rename(folder: old.folder, old.name, newFolder: new.folder, new.name, node: node))
    case .removed(let folder, let name):
      guard let place = resolve(folder, name) else { return false }
      change(.name(folder: place.folder, place.name, node: nil))
    case .synced(let descriptor):
      guard let file = opened[descriptor], isHonoured() else { return false }
      sync(file.node)
      return false
    case .syncedAll:
      guard isHonoured() else { return false }
      sure = live
      pending = []
      return false
    }
    return pending.count > before
  }

  private mutating func isHonoured() -> Bool {
    syncs += 1
    return honours(syncs)
  }

  private mutating func sync(_ node: Int) {
    var chosen = Set(
      pending.indices.filter { index in
        switch pending[index] {
        case .write(let file, _, _), .cut(let file, _), .replace(let file, _): file == node
        case .name(let folder, _, _): folder == node
        case .rename(_, _, let folder, _, _): folder == node
        }
      })
    // With a rename comes what had happened to its old name.
    for index in pending.indices.reversed() where chosen.contains(index) {
      guard case .rename(let folder, let name, _, _, _) = pending[index] else { continue }
      for earlier in 0..<index {
        switch pending[earlier] {
        case .name(folder, name, _), .rename(_, _, folder, name, _): chosen.insert(earlier)
        default: break
        }
      }
    }
    for index in chosen.sorted() { sure.apply(pending[index]) }
    pending = pending.indices.filter { !chosen.contains($0) }.map { pending[$0] }
  }

  /// What is on the disk when each pending change has that fate.
  func image(_ fates: [DiskImage.Fate]) -> DiskImage {
    var image = sure
    for (change, fate) in zip(pending, fates) { image.apply(change, fate) }
    return image
  }

  /// What could have become of the pending changes: always all and nothing, all names without their bytes and the other
  /// way round, and all but the newest; besides these `extra` others, drawn from: each lost alone, each kept alone, each
  /// beginning, each write torn, and as many random mixtures.
  func fates(extra: Int, _ random: inout some RandomNumberGenerator) -> [[DiskImage.Fate]] {
    let count = pending.count
    let all = [DiskImage.Fate](repeating: .kept, count: count)
    let none = [DiskImage.Fate](repeating: .lost, count: count)
    guard count > 0 else { return [all] }
    func but(_ index: Int, _ fate: DiskImage.Fate, of rest: [DiskImage.Fate]) -> [DiskImage.Fate] {
      var fates = rest
      fates[index] = fate
      return fates
    }
    var result = [all, none, but(count - 1, .lost, of: all)]
    if pending.contains(where: \.isName), pending.contains(where: { !$0.isName }) {
      result.append(pending.map { $0.isName ? .kept : .lost })
      result.append(pending.map { $0.isName ? .kept : .zeros })
      result.append(pending.map { $0.isName ? .lost : .kept })
    }
    let torn: [DiskImage.Fate] = [.head, .tail, .zeros]
    if !pending[count - 1].isName { for fate in torn { result.append(but(count - 1, fate, of: all)) } }
    var others: [[DiskImage.Fate]] = []
    for index in 0..<count {
      others.append(but(index, .lost, of: all))
      others.append(but(index, .kept, of: none))
      others.append(Array(all[..<index]) + Array(none[index...]))
      if !pending[index].isName { for fate in torn { others.append(but(index, fate, of: all)) } }
    }
    others.shuffle(using: &random)
    for _ in 0..<extra {
      others.insert(
        pending.map { change in
          if Bool.random(using: &random) { return .kept }
          return change.isName || Bool.random(using: &random) ? .lost : torn.randomElement(using: &random) ?? .lost
        }, at: Int.random(in: 0...others.count, using: &random))
    }
    return result + others.prefix(extra)
  }
}

/// Random numbers that a seed repeats.
struct Seeded: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}
