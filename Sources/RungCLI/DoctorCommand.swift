import ArgumentParser
import Glibc
import RungCore
import RungEngine
import RungExec
import RungModel

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Say how far steps can be shut in and watched on this host, and what is missing for more.",
    discussion: """
      Everything is tried anew, in the way in which steps use it. Works inside a project, whose cache's file system \
      counts, and outside. Exit code 0 when steps are watched as 'traced' or better, else 1.
      """)

  @Option(
    name: [.customShort("C"), .customLong("project")],
    help: ArgumentHelp("Ask for this folder's project instead of the current one.", valueName: "folder"),
    completion: .directory)
  var folder: String?

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  func run() throws {
    let variables = callerVariables()
    let launcher = StepLauncher.find(variables: variables)
    // Swept by the next run, should this process not live to remove it.
    let place = try WorkspaceFolder(under: scratch(variables))
    defer { withExtendedLifetime(place) {} }
    let abilities =
      launcher?.probe(folder: "\(place.path)/probe")
      ?? HostAbilities(problem: "rung-step, which starts steps, does not lie beside rung or in ../libexec/rung")
    let traced = Confinement(wanted: .traced, network: false, abilities: abilities)
    let strict = Confinement(wanted: .strict, network: false, abilities: abilities)
    if json {
      let remotes = remotes().map { remote -> JSON in
        ["name": .string(remote.name), "answers": .bool(remote.problem == nil), "problem": .optional(remote.problem)]
      }
      let members = report(launcher, abilities, traced, strict).members ?? []
      Console.print(JSON.object(members + [.init("remotes", .array(remotes))]).pretty)
    } else {
      print(launcher, abilities, traced, strict)
      for (name, problem) in remotes() {
        let mark = problem == nil ? Style.output.green("yes") : Style.output.red("no ")
        Console.print("\(mark)  remote cache\(name.isEmpty ? "" : " \(name)"): \(problem ?? "it answers")")
      }
    }
    if traced.level < .traced {
      Console.flush()
      throw ExitNow(code: ExitStatus.stepFailed)
    }
  }

  // The remote caches of the project, if there is one, each with what keeps it from answering.
  private func remotes() -> [(name: String, problem: String?)] {
    let words = folder.map { ["-C", $0] } ?? []
    guard let options = try? ProjectOptions.parse(words), let (root, _) = try? options.root(),
      let settings = Project.settings(ProjectOptions.files(root))
    else { return [] }
    let (caches, problems) = ProjectRemotes.open(settings, root: root, only: nil)
    return problems.map { ("", $0) }
      + caches.remotes.map { remote in
        do {
          try remote.knock()
          return (remote.name, nil)
        } catch {
          return (remote.name, "\(error)")
        }
      }
  }

  // Overlays depend on the file system that the cache is on.
  private func scratch(_ variables: [String: String]) -> String {
    let words = folder.map { ["-C", $0] } ?? []
    if let options = try? ProjectOptions.parse(words), let (project, _) = try? options.load() {
      let cache = Session.cachePath(root: project.root, settings: project.settings, variables: variables)
      mkdir(cache, 0o755)
      mkdir("\(cache)/work", 0o755)
      if access("\(cache)/work", W_OK) == 0 { return "\(cache)/work" }
    }
    return "\(variables["TMPDIR"] ?? "/tmp")/rung-doctor"
  }

  private struct Line {
    let thing: HostAbilities.Thing
    let title: String
    let use: String
    let remedy: String
  }

  private static let lines: [Line] = [
    Line(
      thing: .mounts, title: "private view (mount namespace)",
      use: "the project is read-only for steps; level 'strict' is possible",
      remedy:
        "allow unprivileged user namespaces: sysctl user.max_user_namespaces above 0, kernel.unprivileged_userns_clone=1 "
        + "(Debian), kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu); in a container a seccomp profile that allows "
        + "unshare and mount. Root needs CAP_SYS_ADMIN"),
    Line(
      thing: .processes, title: "processes of its own (pid namespace)", use: "nothing of a step outlives it",
      remedy: "the same, and a /proc that is not masked: in Docker, --security-opt systempaths=unconfined"),
    Line(
      thing: .network, title: "network of its own", use: "steps without `network: true` reach nobody",
      remedy: "sysctl user.max_net_namespaces above 0"),
    Line(
      thing: .overlay, title: "overlay in the cache", use: "inputs are put in place once for all steps of a run",
      remedy:
        "Linux 5.11 or newer, and a cache on a local file system (ext4, xfs, btrfs): RUNG_CACHE or `cache` in rung.yaml"
    ),
    Line(
      thing: .notify, title: "recorder (seccomp notification)", use: "level 'traced' at a few percent",
      remedy: "Linux 5.0 or newer with CONFIG_SECCOMP_FILTER; not inside a step of another rung"),
    Line(
      thing: .ptrace, title: "recorder in reserve (ptrace)", use: "level 'traced' where there is no notification",
      remedy: "in a container --cap-add=SYS_PTRACE or a seccomp profile that allows ptrace"),
    Line(
      thing: .landlock, title: "Landlock", use: "steps cannot write to the project where there is no private view",
      remedy: "Linux 5.13 or newer with landlock among the active security modules (lsm=…,landlock)"),
    Line(
      thing: .refuseNetwork, title: "sockets refused (seccomp)", use: "no network where there is no network namespace",
      remedy: "Linux with CONFIG_SECCOMP_FILTER"),
  ]

  private func print(
    _ launcher: StepLauncher?, _ abilities: HostAbilities, _ traced: Confinement, _ strict: Confinement
  ) {
    let style = Style.output
    if let problem = abilities.problem {
      Console.print("\(style.red("no launcher:")) \(problem)")
      Console.print("steps run at level 'declared': only declared inputs are known")
      Console.print(
        "  needs: \(style.bold("rung-step")) beside rung (`make build` makes both), or RUNG_STEP with its path")
      return
    }
    Console.print("launcher  \(launcher?.path ?? "")")
    for line in Self.lines {
      let answer = abilities[line.thing]
      let mark = answer.works ? style.green("yes") : style.red("no ")
      Console.print("\(mark)  \(line.title): \(line.use)")
      guard !answer.works else { continue }
      if !answer.reason.isEmpty { Console.print("       the kernel says: \(answer.reason)") }
      Console.print("       needs: \(line.remedy)")
    }
    Console.print("")
    Console.print("Steps are watched as '\(style.bold(traced.level.rawValue))' by default: \(meaning(traced))")
    if traced.level == .traced {
      Console.print(
        strict.level == .strict
          ? "'strict' is possible." : "'strict' is not possible: a step that asks for it is traced.")
    }
  }

  private func meaning(_ confinement: Confinement) -> String {
    guard confinement.level == .traced else { return "only declared inputs are known." }
    let how = confinement.recorder == .notify ? "seccomp notification" : "ptrace"
    let view = confinement.mounts ? "in a private view" : "kept from writing by Landlock"
    let network = confinement.network ? "with the network" : "without network"
    return "recorded by \(how), \(view), \(network)."
  }

  private func report(
    _ launcher: StepLauncher?, _ abilities: HostAbilities, _ traced: Confinement, _ strict: Confinement
  ) -> JSON {
    [
      "launcher": .optional(launcher?.path), "problem": .optional(abilities.problem),
      "level": .string(traced.level.rawValue), "strict": .bool(strict.level == .strict),
      "view": .string(traced.view), "recorder": .optional(traced.recorder?.rawValue),
      "network_refused": .bool(!traced.network), "layout": .string("\(traced.layout)"),
      "abilities": .array(
        HostAbilities.Thing.allCases.map { thing in
          let answer = abilities[thing]
          return [
            "name": .string(thing.rawValue), "works": .bool(answer.works),
            "reason": answer.reason.isEmpty ? .null : .string(answer.reason),
            "needs": .optional(answer.works ? nil : Self.lines.first { $0.thing == thing }?.remedy),
          ]
        }),
    ]
  }
}
