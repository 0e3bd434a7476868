import RungCore
import RungFormats

/// What is known under one action key at a remote: results of earlier executions, the newest first, each with all objects
/// that belong to it (docs/formats/result.md).
///
/// A pure value: nothing of what it says was checked.
struct RemoteListing: Hashable, Sendable {
  /// What an object of a result is for. Words that this version does not know are kept as they are.
  enum Role {
    /// The record of the execution; exactly one.
    static let record = "record"
    /// A `ResultSignature`.
    static let signature = "signature"
    /// An `ObservedSet`.
    static let observed = "observed"
    /// An output, the manifest of a folder among them, or a file in it.
    static let output = "output"
    /// A record that the record refers to: of its run, of what made its inputs, and so on down.
    static let lineage = "lineage"
    /// A source, a log, a list: what records are not understood without.
    static let context = "context"
  }

  /// An object of a result.
  struct Object: Hashable, Sendable {
    var role: String
    var digest: Digest
    var size: Int64
  }

  /// One result.
  struct Candidate: Hashable, Sendable {
    var objects: [Object]

    /// The digest of the record; nil when there is not exactly one.
    var record: Digest? {
      let records = objects.filter { $0.role == Role.record }
      return records.count == 1 ? records[0].digest : nil
    }

    /// The objects with a role.
    func all(_ role: String) -> [Object] { objects.filter { $0.role == role } }
  }

  /// The newest first.
  var candidates: [Candidate]

  /// So many results are kept under a key.
  static let most = 16
  /// So many signatures are kept of a result.
  static let mostSignatures = 8
  /// So many objects are named in all: some six megabytes.
  static let mostObjects = 60_000

  init(candidates: [Candidate] = []) { self.candidates = candidates }

  /// Reads what an action result names; files whose paths are not of this format name nothing. Candidates without a record
  /// of their own are left out.
  init(_ result: ActionResult) {
    var found: [Int: Candidate] = [:]
    for file in result.files {
      let parts = file.path.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count == 3, let place = Int(parts[0]), (0..<1000).contains(place) else { continue }
      found[place, default: Candidate(objects: [])].objects.append(
        Object(role: String(parts[1]), digest: file.digest, size: file.size))
    }
    candidates = found.sorted { $0.key < $1.key }.map(\.value).filter { $0.record != nil }
  }

  /// Reads the bytes of an action result; nil when they are none.
  init?(bytes: [UInt8]) {
    guard let result = ActionResult(bytes: bytes) else { return nil }
    self.init(result)
  }

  /// The message that says this: each object as `PLACE/ROLE/NUMBER`.
  var actionResult: ActionResult {
    var files: [ActionResult.File] = []
    for (place, candidate) in candidates.enumerated() {
      var counts: [String: Int] = [:]
      for object in candidate.objects {
        let number = counts[object.role, default: 0]
        counts[object.role] = number + 1
        files.append(.init(path: "\(place)/\(object.role)/\(number)", digest: object.digest, size: object.size))
      }
    }
    return ActionResult(files: files)
  }

  /// Adds a result in front of the others. One with the same record keeps the signatures that others have given it; what
  /// is too much is dropped, the oldest first.
  mutating func add(_ candidate: Candidate) {
    var candidate = candidate
    for known in candidates where known.record == candidate.record {
      for signature in known.all(Role.signature) where !candidate.objects.contains(signature) {
        guard candidate.all(Role.signature).count < Self.mostSignatures else { break }
        candidate.objects.append(signature)
      }
    }
    candidates.removeAll { $0.record == candidate.record }
    candidates.insert(candidate, at: 0)
    candidates = Array(candidates.prefix(Self.most))
    var room = Self.mostObjects
    candidates = candidates.enumerated().filter { place, candidate in
      room -= candidate.objects.count
      return place == 0 || room >= 0
    }.map(\.element)
  }
}
