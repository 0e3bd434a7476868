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

/// How much a cache holds. Staged files are not counted.
public struct StoreStatistics: Sendable {
  /// Blobs and folder manifests.
  public var objects = 0
  /// Records.
  public var records = 0
  /// Bytes of their content, by the headers of the stored files.
  public var plainBytes: Int64 = 0
  /// Bytes of the stored files.
  public var storedBytes: Int64 = 0
  /// Files in `quarantine/`.
  public var quarantined = 0
}

extension ObjectStore {
  /// Hashes every stored object and record, or a share of them chosen at random (`sample`, 0 to 1), and sets the
  /// damaged ones aside. `progress` is told how many are done, of how many. Others may use the cache meanwhile.
  public func check(sample: Double = 1, progress: (_ done: Int, _ of: Int) -> Void = { _, _ in })
    throws(StoreError) -> CheckReport
  {
    var report = CheckReport()
    var names: [Name] = []
    for kind in [Kind.object, .record] {
      names += try self.names(kind) { report.strangers.append($0) }
    }
    if sample < 1 { names = names.filter { _ in Double.random(in: 0..<1) < sample } }
    for (index, name) in names.enumerated() {
      do {
        var size: Int64 = 0
        try forEachPiece(name) { size += Int64($0.count) }
        report.checked += 1
        report.bytes += size
      } catch {
        // Removed meanwhile: somebody collects garbage, or a reader was first to set it aside.
        if error.code != .missing {
          report.damaged.append(.init(digest: name.digest, isRecord: name.kind == .record, error: error))
        }
      }
      progress(index + 1, names.count)
    }
    return report
  }

  /// Counts what is stored. Costs two system calls per object.
  public func statistics() throws(StoreError) -> StoreStatistics {
    var result = StoreStatistics()
    let header = UnsafeMutableRawBufferPointer.allocate(byteCount: 18, alignment: 1)  // the longest zstd header
    defer { header.deallocate() }
    for kind in [Kind.object, .record] {
      for name in try names(kind, stranger: { _ in }) {
        let place = "\(path)/\(name.path)"
        do {
          let file = try fileSystem.open(name.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, in: root, at: place)
          defer { fileSystem.close(file) }
          result.storedBytes += Int64(try fileSystem.stat(file, at: place).st_size)
          let count = try fileSystem.read(file, header, at: place)
          result.plainBytes += Codec.statedSize(header: UnsafeRawBufferPointer(rebasing: header[..<count])) ?? 0
          if kind == .object { result.objects += 1 } else { result.records += 1 }
        } catch {
          if error.code != .missing { throw error }
        }
      }
    }
    if let aside = try openFolder("quarantine") {
      defer { fileSystem.close(aside) }
      result.quarantined = try fileSystem.list(aside, at: "\(path)/quarantine").count
    }
    return result
  }

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

  // All published names of a kind.
  private func names(_ kind: Kind, stranger: (String) -> Void) throws(StoreError) -> [Name] {
    var result: [Name] = []
    guard let top = try openFolder(kind.rawValue) else { return [] }
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
        let file = text(file)
        if file.utf8.count == 66, file.hasSuffix(".zst"), let digest = Digest(prefix + file.dropLast(4)) {
          result.append(Name(kind: kind, digest: digest))
        } else {
          stranger("\(place)/\(file)")
        }
      }
    }
    return result
  }

  // Nil when there is none: an empty folder may not have come along into a copy that can only be read.
  private func openFolder(_ name: String) throws(StoreError) -> Int32? {
    do {
      return try fileSystem.open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, in: root, at: "\(path)/\(name)")
    } catch {
      if error.errno == ENOENT { return nil }
      throw error
    }
  }
}
