import RungCore
import RungModel

extension Confinement {
  private static var parts: [(name: String, path: WritableKeyPath<Confinement, Bool>)] {
    [
      ("launcher", \.launcher), ("users", \.users), ("mounts", \.mounts), ("processes", \.processes),
      ("own_network", \.ownNetwork), ("refuse_network", \.refuseNetwork), ("landlock", \.landlock),
    ]
  }

  /// As `init(json:)` reads it.
  var json: JSON {
    var members = Self.parts.map { JSON.Member($0.name, .bool(self[keyPath: $0.path])) }
    members.append(JSON.Member("level", .string(level.rawValue)))
    members.append(JSON.Member("recorder", .optional(recorder?.rawValue)))
    members.append(JSON.Member("layout", .string(layout == .mounts ? "mounts" : layout == .links ? "links" : "copies")))
    return .object(members)
  }

  /// Nil when it is none.
  init?(json: JSON) {
    guard let level = json["level"]?.string.flatMap(WatchLevel.init(rawValue:)), let layout = json["layout"]?.string
    else { return nil }
    self = .none
    self.level = level
    for part in Self.parts { self[keyPath: part.path] = json[part.name]?.bool ?? false }
    recorder = json["recorder"]?.string.flatMap(Recorder.init(rawValue:))
    self.layout = layout == "mounts" ? .mounts : layout == "links" ? .links : .copies
  }

  /// What this needs and a host with these abilities has not; empty when steps can be shut in and watched there as here.
  public func missing(on abilities: HostAbilities) -> [String] {
    guard launcher else { return [] }
    if let problem = abilities.problem { return [problem] }
    var wanted: [(HostAbilities.Thing, String)] = []
    if mounts { wanted.append((.mounts, "private views")) }
    if mounts, layout == .mounts { wanted.append((.overlay, "overlays")) }
    if processes { wanted.append((.processes, "process namespaces")) }
    if ownNetwork { wanted.append((.network, "network namespaces")) }
    if refuseNetwork { wanted.append((.refuseNetwork, "refusing the network")) }
    if landlock { wanted.append((.landlock, "Landlock")) }
    if let recorder { wanted.append((recorder == .notify ? .notify : .ptrace, "recording what a step reads")) }
    return wanted.filter { !abilities.has($0.0) }.map(\.1)
  }
}
