import RungCore
import RungModel
import RungStore

// A task as one process writes it for another, on the same machine or on another one that sees the same folders. The two
// are always of the same version of Rung: this is no format for keeping.
extension StepTask {
  /// The task without its workspace, which is for whoever executes it. Layers are named by the last part of their folder;
  /// `layer` says in which form those that are not the task's own are handed over.
  ///
  /// Bytes that are no object yet are not handed over: put them into the store first (`storingBytes`).
  public func json(layer: (StagedLayer) -> JSON) -> JSON {
    [
      "instance": .string(instance), "program": program.json,
      "variables": .array(variables.map { ["name": .string($0.name), "value": .string($0.value)] }),
      "files": .array(files.map(\.json)), "layers": .array(layers.map { $0.isOwn ? $0.json : layer($0) }),
      "confinement": confinement.json, "surroundings": surroundings.json,
      "gpus": .array(gpus.map { .string($0) }), "outputs": .array(outputs.map(\.json)),
      "timeout": timeout.map { .int($0.nanoseconds) } ?? .null, "grace": .int(grace.nanoseconds),
      "keep": .array(kept.map { .string($0.text) }), "key": key.map { .digest($0) } ?? .null,
      "fresh": .bool(startsAnew),
    ]
  }

  /// Reads a task that gets this workspace; layers go into `layers`. Nil when it is none.
  public init?(json: JSON, workspace: String, layers folder: String, layer: (JSON) -> StagedLayer?) {
    guard let instance = json["instance"]?.string, let program = json["program"].flatMap(Program.init(json:)),
      let variables = json["variables"]?.array, let files = Self.list(json["files"], StagedFile.init(json:)),
      let layers = Self.list(
        json["layers"],
        { layer($0) ?? StagedLayer(json: $0, folder: Workspace.ownLayer(of: workspace), isOwn: true) }),
      let confinement = json["confinement"].flatMap(Confinement.init(json:)),
      let surroundings = json["surroundings"].flatMap(Surroundings.init(json:)),
      let gpus = Self.list(json["gpus"], \.string),
      let outputs = Self.list(json["outputs"], ExpectedOutput.init(json:)),
      let grace = json["grace"]?.int, let kept = Self.list(json["keep"], { $0.string.flatMap { RelativePath($0) } })
    else { return nil }
    self.init(
      instance: instance, workspace: workspace, program: program,
      variables: variables.map { ($0["name"]?.string ?? "", $0["value"]?.string ?? "") }, files: files,
      outputs: outputs, timeout: json["timeout"]?.int.map { TimeSpan(nanoseconds: Int64($0)) },
      grace: TimeSpan(nanoseconds: Int64(grace)), layers: layers, confinement: confinement,
      surroundings: surroundings, gpus: gpus, kept: kept)
    key = json["key"]?.digest
    startsAnew = json["fresh"]?.bool ?? false
  }

  /// The same task with all bytes that it is given as objects of the store, which the caller flushes.
  public func storingBytes(in store: ObjectStore) throws(StoreError) -> StepTask {
    var task = self
    for index in task.files.indices {
      if case .bytes(let bytes) = task.files[index].content {
        task.files[index].content = .object(try store.put(bytes).digest, executable: false)
      }
    }
    return task
  }

  /// Whether something that it is given is in the store, but not flushed. A folder's files were put before the folder.
  public func needsFlush(in store: ObjectStore) -> Bool {
    func isStaged(_ file: StagedFile) -> Bool {
      switch file.content {
      case .object(let digest, _), .tree(let digest): store.isStaged(digest)
      case .bytes: true
      }
    }
    return files.contains(where: isStaged) || layers.contains { $0.files.contains(where: isStaged) }
  }

  static func list<T>(_ json: JSON?, _ read: (JSON) -> T?) -> [T]? {
    guard let items = json?.array else { return nil }
    let result = items.compactMap(read)
    return result.count == items.count ? result : nil
  }
}

extension StagedLayer {
  /// The layer, named by the last part of its folder.
  public var json: JSON {
    [
      "name": .string(folder.split(separator: "/").last.map(String.init) ?? ""), "size": .int(size),
      "files": .array(files.map(\.json)),
    ]
  }

  /// Reads a layer that goes into `folder`; nil when it is none.
  public init?(json: JSON, folder: String, isOwn: Bool) {
    guard let size = json["size"]?.int, let files = StepTask.list(json["files"], StagedFile.init(json:)) else {
      return nil
    }
    self.init(folder: folder, files: files, size: Int64(size), isOwn: isOwn)
  }
}

extension StagedFile {
  var json: JSON {
    switch content {
    case .object(let digest, let executable):
      ["path": .string(path.text), "object": .digest(digest), "executable": .bool(executable)]
    case .tree(let digest): ["path": .string(path.text), "tree": .digest(digest)]
    case .bytes: ["path": .string(path.text)]
    }
  }

  init?(json: JSON) {
    guard let path = json["path"]?.string.flatMap({ RelativePath($0) }) else { return nil }
    if let digest = json["object"]?.digest {
      self.init(path: path, content: .object(digest, executable: json["executable"]?.bool ?? false))
    } else if let digest = json["tree"]?.digest {
      self.init(path: path, content: .tree(digest))
    } else {
      return nil
    }
  }
}

extension Program {
  var json: JSON {
    switch self {
    case .shell(let text, let shell): ["shell": .string(shell.rawValue), "text": .string(text)]
    case .arguments(let words): ["arguments": .array(words.map { .string($0) })]
    }
  }

  init?(json: JSON) {
    if let shell = json["shell"]?.string.flatMap(Shell.init(rawValue:)), let text = json["text"]?.string {
      self = .shell(text: text, shell)
    } else if let words = StepTask.list(json["arguments"], \.string) {
      self = .arguments(words)
    } else {
      return nil
    }
  }
}

extension ExpectedOutput {
  var json: JSON {
    let compression: JSON =
      switch self.compression {
      case .auto: "auto"
      case .raw: "raw"
      case .level(let level): .int(level)
      }
    return [
      "name": .string(name), "path": .string(path.text), "directory": .bool(isDirectory), "compression": compression,
    ]
  }

  init?(json: JSON) {
    guard let name = json["name"]?.string, let path = json["path"]?.string.flatMap({ RelativePath($0) }) else {
      return nil
    }
    self.init(
      name: name, path: path, isDirectory: json["directory"]?.bool ?? false,
      compression: json["compression"]?.int.map { .level($0) } ?? (json["compression"]?.string == "raw" ? .raw : .auto))
  }
}

extension Surroundings {
  var json: JSON {
    [
      "project": .string(project), "cache": .string(cache), "mounts": .array(mountsInProject.map { .string($0) }),
      "programs": .array(programs.map { .string($0) }), "environment": .optional(environment),
    ]
  }

  init?(json: JSON) {
    guard let project = json["project"]?.string, let cache = json["cache"]?.string,
      let mounts = StepTask.list(json["mounts"], \.string), let programs = StepTask.list(json["programs"], \.string)
    else { return nil }
    self.init(
      project: project, cache: cache, mountsInProject: mounts, programs: programs,
      environment: json["environment"]?.string)
  }
}
