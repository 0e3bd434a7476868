import RungCore
import RungLedger

/// What a bundle holds, and of which figure: the first file in it (docs/formats/bundle.md).
public struct BundleManifest: Hashable, Sendable {
  /// The name of the format.
  public static let format = "rung/bundle/1"
  /// What the manifest is called, in the bundle and in the project that it becomes.
  public static let fileName = "rung-bundle.json"

  /// A file of the project.
  public struct File: Hashable, Sendable {
    /// From the project's root.
    public var path: String
    /// The content.
    public var digest: Digest
    /// In bytes.
    public var size: Int64
    /// Whether its executable bit is set.
    public var isExecutable: Bool

    /// A file.
    public init(path: String, digest: Digest, size: Int64, isExecutable: Bool) {
      self.path = path
      self.digest = digest
      self.size = size
      self.isExecutable = isExecutable
    }
  }

  /// An object of the cache.
  public struct Object: Hashable, Sendable {
    /// Its name.
    public var digest: Digest
    /// In bytes.
    public var size: Int64

    /// An object.
    public init(digest: Digest, size: Int64) {
      self.digest = digest
      self.size = size
    }
  }

  /// What the bundle is of.
  public struct Subject: Hashable, Sendable {
    /// The artifact.
    public var digest: Digest
    /// The instance that made it.
    public var instance: String
    /// The output's name.
    public var output: String
    /// The record of its making.
    public var record: Digest
    /// Where it was published in the project; nil when it was not.
    public var path: String?

    /// A subject.
    public init(digest: Digest, instance: String, output: String, record: Digest, path: String?) {
      self.digest = digest
      self.instance = instance
      self.output = output
      self.record = record
      self.path = path
    }
  }

  /// What it is of.
  public var subject: Subject
  /// The words after `rung run` that make it again: the target, a profile, parameters.
  public var arguments: [String]
  /// The project's files, by path.
  public var files: [File]
  /// Inputs that the pipelines declare for other steps, paths and patterns as they are from the project's root: they are
  /// not here, and not missed until one of those steps is asked for.
  public var leftOut: [String]
  /// The objects: results (unless only sources were wanted), and what records are not understood without.
  public var objects: [Object]
  /// The records.
  public var records: [Object]
  /// The version of Rung.
  public var version: String

  /// A manifest.
  public init(
    subject: Subject, arguments: [String], files: [File], leftOut: [String], objects: [Object], records: [Object],
    version: String
  ) {
    self.subject = subject
    self.arguments = arguments
    self.files = files
    self.leftOut = leftOut
    self.objects = objects
    self.records = records
    self.version = version
  }

  /// The manifest as JSON; the same one always gives the same text.
  public var json: JSON {
    func list(_ objects: [Object]) -> JSON {
      .array(objects.map { ["digest": .digest($0.digest), "size": .int($0.size)] })
    }
    return [
      "format": .string(Self.format),
      "subject": [
        "digest": .digest(subject.digest), "instance": .string(subject.instance), "output": .string(subject.output),
        "record": .digest(subject.record), "path": .optional(subject.path),
      ],
      "arguments": .strings(arguments),
      "files": .array(
        files.map {
          [
            "path": .string($0.path), "digest": .digest($0.digest), "size": .int($0.size),
            "executable": .bool($0.isExecutable),
          ]
        }),
      "left_out": .strings(leftOut), "objects": list(objects), "records": list(records), "version": .string(version),
    ]
  }

  /// Reads a manifest. Nil when the JSON is none of this format, or names a size below zero.
  public init?(json: JSON) {
    guard json["format"]?.string == Self.format, let subject = json["subject"], let digest = subject["digest"]?.digest,
      let instance = subject["instance"]?.string, let output = subject["output"]?.string,
      let record = subject["record"]?.digest, let files = json["files"]?.array
    else { return nil }
    let read = files.compactMap { file -> File? in
      guard let path = file["path"]?.string, let digest = file["digest"]?.digest, let size = file["size"]?.int,
        size >= 0, let isExecutable = file["executable"]?.bool
      else { return nil }
      return File(path: path, digest: digest, size: Int64(size), isExecutable: isExecutable)
    }
    guard read.count == files.count, let objects = Self.list(json["objects"]),
      let records = Self.list(json["records"])
    else { return nil }
    self.init(
      subject: Subject(
        digest: digest, instance: instance, output: output, record: record, path: subject["path"]?.string),
      arguments: json["arguments"]?.array?.compactMap(\.string) ?? [], files: read,
      leftOut: json["left_out"]?.array?.compactMap(\.string) ?? [], objects: objects, records: records,
      version: json["version"]?.string ?? "")
  }

  private static func list(_ json: JSON?) -> [Object]? {
    guard let list = json?.array else { return nil }
    let result = list.compactMap { item -> Object? in
      guard let digest = item["digest"]?.digest, let size = item["size"]?.int, size >= 0 else { return nil }
      return Object(digest: digest, size: Int64(size))
    }
    return result.count == list.count ? result : nil
  }
}
