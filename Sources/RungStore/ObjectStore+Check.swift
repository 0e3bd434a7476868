import Glibc
import RungCore

/// What a look at all stored bytes found.
public struct CheckReport: Sendable {
  /// Objects and records whose bytes were hashed.
  public var checked = 0
  /// Their plain bytes.
  public var bytes: Int64 = 0
  /// Those that are damaged, now in `quarantine/`, and those that could not be read: one sentence each, by name.
  public var damaged: [Damage] = []
  /// Paths in the cache that are not the store's: never touched, never counted.
  public var strangers: [String] = []

  /// One damaged object or record.
  public struct Damage: Sendable {
    /// Its name.
    public let digest: Digest
    /// True for a record, false for an object.
    public let isRecord: Bool
    /// What is wrong and what was done.
    public let error: StoreError
  }

  /// True when nothing is damaged.
  public var isSound: Bool { damaged.isEmpty }
}

/// How much of a cache to look at. What is less than all is chosen at random.
public enum CheckScope: Hashable, Sendable {
  case all
  /// A share of the objects, 0 to 1.
  case share(Double)
  /// Until so many plain bytes were hashed.
  case bytes(Int64)
  /// Until so many seconds have passed.
  case seconds(Double)
}

extension ObjectStore {
  /// Hashes stored objects and records, all or as many as `scope` says, and sets the damaged ones aside. `progress` is
  /// told how many are done, of how many. Others may use the cache meanwhile.
  public func check(_ scope: CheckScope = .all, progress: (_ done: Int, _ of: Int) -> Void = { _, _ in })
    throws(StoreError) -> CheckReport
  {
    var report = CheckReport()
    var names = try self.names(.object) { report.strangers.append($0) }
    names += try self.names(.record) { report.strangers.append($0) }
    switch scope {
    case .all: break
    case .share(let share): names = names.filter { _ in Double.random(in: 0..<1) < share }
    case .bytes, .seconds: names.shuffle()
    }
    let start = ContinuousClock.now
    for (index, name) in names.enumerated() {
      if case .bytes(let most) = scope, report.bytes >= most { break }
      if case .seconds(let most) = scope, start.duration(to: .now) >= .seconds(most) { break }
      do throws(StoreError) {
        report.bytes += try verify(name)
        report.checked += 1
      } catch {
        // Removed meanwhile: somebody collects garbage, or a reader was first to set it aside.
        if error.code != .missing || isListed(name) {
          report.damaged.append(.init(digest: name.digest, isRecord: name.kind == .record, error: error))
        }
      }
      progress(index + 1, names.count)
    }
    return report
  }

  // A list that is there although one of its parts is not is no longer an object that can be read.
  private func isListed(_ name: Name) -> Bool { (try? looseForm(name)) == .list }

  /// Hands over every record, published or put by this store, sorted by name. Returns the errors of those that are
  /// damaged (set aside) or cannot be read; the others are still handed over.
  @discardableResult
  public func forEachRecord(_ body: (Digest, [UInt8]) throws -> Void) throws -> [StoreError] {
    var errors: [StoreError] = []
    let staged = shared.withLock { Array($0.staged.keys) }.filter { $0.kind == .record }
    let all = Set(try names(.record, stranger: { _ in })).union(staged)
    for name in all.sorted(by: { $0.digest < $1.digest }) {
      let bytes: [UInt8]
      do {
        bytes = try readRecord(name.digest)
      } catch {
        if error.code != .missing { errors.append(error) }
        continue
      }
      try body(name.digest, bytes)
    }
    return errors
  }

  // All published names of a kind: those in packs first, in the order in which they lie there.
  func names(_ kind: Kind, stranger: (String) -> Void) throws(StoreError) -> [Name] {
    var packed: [Name] = []
    try index.forEach(kind, byPlace: true) { digest, _ in packed.append(Name(kind: kind, digest: digest)) }
    var known = Set(packed)
    try forEachFile(kind, stranger: stranger) { name, _, _ throws(StoreError) in
      if known.insert(name).inserted { packed.append(name) }
    }
    return packed
  }

  /// Hands over every file that is an object or record of its own: its name, its form, its shard's open folder.
  func forEachFile(
    _ kind: Kind, stranger: (String) -> Void, _ body: (Name, Form, Int32) throws(StoreError) -> Void
  ) throws(StoreError) {
    guard let top = try openFolder(kind.rawValue) else { return }
    defer { fileSystem.close(top) }
    for shard in try fileSystem.list(top, at: "\(path)/\(kind.rawValue)") {
      let prefix = text(shard)
      let place = "\(path)/\(kind.rawValue)/\(prefix)"
      guard prefix.utf8.count == 2, try fileSystem.stat(shard, in: top, at: place).st_mode & S_IFMT == S_IFDIR else {
        stranger(place)
        continue
      }
      let folder = try fileSystem.open(shard, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, in: top, at: place)
      defer { fileSystem.close(folder) }
      for file in try fileSystem.list(folder, at: place) {
        if let (digits, form) = Form.parse(text(file)), let digest = Digest(prefix + digits) {
          try body(Name(kind: kind, digest: digest), form, folder)
        } else {
          stranger("\(place)/\(text(file))")
        }
      }
    }
  }

  // Nil when there is none: an empty folder may not have come along into a copy that can only be read.
  func openFolder(_ name: String) throws(StoreError) -> Int32? {
    do {
      return try fileSystem.open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, in: root, at: "\(path)/\(name)")
    } catch {
      if error.errno == ENOENT { return nil }
      throw error
    }
  }
}
