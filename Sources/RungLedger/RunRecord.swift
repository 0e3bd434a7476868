import RungCore

/// What is kept for ever of a run that executed something: what it was asked for, and the files that declared its steps,
/// as they were. A record object of the store, like those of executions, which name it (docs/formats/record.md).
public struct RunRecord: Hashable, Sendable {
  /// The name of the format.
  public static let format = "rung/run/1"

  /// A file that the pipelines were read from.
  public struct Declaration: Hashable, Sendable {
    /// From the project's root.
    public var path: String
    /// The content, an object of the store.
    public var digest: Digest

    /// A file.
    public init(path: String, digest: Digest) {
      self.path = path
      self.digest = digest
    }
  }

  /// What the command line changed about the pipelines.
  public struct Overrides: Hashable, Sendable {
    /// `--profile`.
    public var profile: String?
    /// `--set`, each `name=value`.
    public var set: [String]
    /// `--over`, each `axis=v1,v2`.
    public var over: [String]

    /// Overrides; none by default.
    public init(profile: String? = nil, set: [String] = [], over: [String] = []) {
      self.profile = profile
      self.set = set
      self.over = over
    }
  }

  /// The run's name in the ledger and in the records of its executions.
  public var id: String
  /// The words of the command line.
  public var arguments: [String]
  /// What they changed about the pipelines.
  public var overrides: Overrides
  /// Every file that the pipelines were read from, by path.
  public var declarations: [Declaration]
  /// Nanoseconds since 1970.
  public var started: Int64
  /// The host's name.
  public var host: String
  /// The git commit of the project, if it is in git.
  public var commit: String?
  /// Whether files of the project differed from that commit.
  public var dirty: Bool?
  /// The version of Rung.
  public var version: String

  /// A record from all its parts; see the properties.
  public init(
    id: String, arguments: [String], overrides: Overrides, declarations: [Declaration], started: Int64, host: String,
    commit: String?, dirty: Bool?, version: String
  ) {
    self.id = id
    self.arguments = arguments
    self.overrides = overrides
    self.declarations = declarations
    self.started = started
    self.host = host
    self.commit = commit
    self.dirty = dirty
    self.version = version
  }

  /// The record as JSON; the same record always gives the same text.
  public var json: JSON {
    [
      "format": .string(Self.format), "run": .string(id), "arguments": .array(arguments.map { .string($0) }),
      "overrides": [
        "profile": .optional(overrides.profile), "set": .array(overrides.set.map { .string($0) }),
        "over": .array(overrides.over.map { .string($0) }),
      ],
      "declarations": .array(declarations.map { ["path": .string($0.path), "digest": .digest($0.digest)] }),
      "started_ns": .int(started), "host": .string(host), "commit": .optional(commit),
      "dirty": dirty.map { .bool($0) } ?? .null, "version": .string(version),
    ]
  }

  /// Reads a record. Nil when the JSON is none of this format.
  public init?(json: JSON) {
    guard json["format"]?.string == Self.format, let id = json["run"]?.string,
      let files = json["declarations"]?.array, let overrides = json["overrides"]
    else { return nil }
    let declarations = files.compactMap { file -> Declaration? in
      guard let path = file["path"]?.string, let digest = file["digest"]?.digest else { return nil }
      return Declaration(path: path, digest: digest)
    }
    guard declarations.count == files.count else { return nil }
    func words(_ json: JSON?) -> [String] { json?.array?.compactMap(\.string) ?? [] }
    self.init(
      id: id, arguments: words(json["arguments"]),
      overrides: Overrides(
        profile: overrides["profile"]?.string, set: words(overrides["set"]), over: words(overrides["over"])),
      declarations: declarations, started: Int64(json["started_ns"]?.int ?? 0), host: json["host"]?.string ?? "",
      commit: json["commit"]?.string, dirty: json["dirty"]?.bool, version: json["version"]?.string ?? "")
  }

  /// Reads a record from the bytes of its object. Nil as `init(json:)`.
  public init?(bytes: [UInt8]) {
    guard let json = try? JSON(parsing: bytes) else { return nil }
    self.init(json: json)
  }

  /// The bytes of the record's object.
  public var bytes: [UInt8] { json.compactBytes + [10] }
}
