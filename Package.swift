// swift-tools-version: 6.2
import PackageDescription

// The targets are the rings of docs/architecture.md. Arrows point down only; `make layers` checks the imports.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
]

let package = Package(
  name: "rung",
  products: [
    .executable(name: "rung", targets: ["rung"]),
    // Started by rung for each step; it must lie beside it.
    .executable(name: "rung-step", targets: ["rung-step"]),
    // Started by rung to speak HTTP with a remote cache; it must lie beside it.
    .executable(name: "rung-transfer", targets: ["rung-transfer"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
  ],
  targets: [
    // System libraries, and C where the kernel or the processor asks for it.
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CYaml", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
    .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "CLinux"),
    .target(name: "CSHA256", cSettings: [.unsafeFlags(["-O2", "-Wall", "-Wextra", "-Werror"])]),
    .target(name: "CRungStore", cSettings: [.unsafeFlags(["-O2", "-Wall", "-Wextra", "-Werror"])]),
    // Static, since it is started once for each step.
    .executableTarget(
      name: "rung-step", cSettings: [.unsafeFlags(["-O2", "-Wall", "-Wextra", "-Werror"])],
      linkerSettings: [.unsafeFlags(["-static-executable", "-nostartfiles"])]),
    .target(name: "CRungLaunch", cSettings: [.unsafeFlags(["-O2", "-Wall", "-Wextra", "-Werror"])]),

    // values
    .target(name: "RungCore", dependencies: ["CSHA256"], swiftSettings: strict),
    // decisions
    .target(name: "RungModel", dependencies: ["RungCore", "CYaml"], swiftSettings: strict),
    .target(name: "RungPlan", dependencies: ["RungModel", "RungCore"], swiftSettings: strict),
    .target(name: "RungClaims", dependencies: ["RungModel", "RungCore"], swiftSettings: strict),
    .target(name: "RungFormats", dependencies: ["RungCore", "CZlib"], swiftSettings: strict),
    // effects
    .target(name: "RungDatabase", dependencies: ["RungCore", "CSQLite"], swiftSettings: strict),
    .target(
      name: "RungStore", dependencies: ["RungCore", "RungDatabase", "CRungStore", "CZstd", "CLinux"],
      swiftSettings: strict),
    .target(name: "RungLedger", dependencies: ["RungCore", "RungDatabase"], swiftSettings: strict),
    .target(name: "RungSign", dependencies: ["RungCore", "CSodium"], swiftSettings: strict),
    .target(name: "RungWire", swiftSettings: strict),
    .target(
      name: "RungRemote", dependencies: ["RungWire", "RungStore", "RungCore", "CLinux"], swiftSettings: strict),
    // A program of its own, so that rung needs no dynamic library (decision 20).
    .executableTarget(name: "rung-transfer", dependencies: ["RungWire", "CCurl"], swiftSettings: strict),
    .target(
      name: "RungExec", dependencies: ["RungModel", "RungStore", "RungCore", "CRungLaunch"], swiftSettings: strict),
    // conductor
    .target(
      name: "RungEngine",
      dependencies: [
        "RungPlan", "RungClaims", "RungModel", "RungFormats", "RungExec", "RungRemote", "RungSign", "RungStore",
        "RungLedger", "RungCore", "CLinux",
      ],
      swiftSettings: strict),
    // words
    // Its style sheet and script are part of the binary: a page carries them in itself.
    .target(
      name: "RungReport", dependencies: ["RungClaims", "RungCore"],
      resources: [
        .embedInCode("Resources/report.css"), .embedInCode("Resources/start.js"), .embedInCode("Resources/tables.js"),
        .embedInCode("Resources/charts.js"), .embedInCode("Resources/drawings.js"), .embedInCode("Resources/runs.js"),
        .embedInCode("Resources/live.js"), .embedInCode("Resources/live.css"),
      ], swiftSettings: strict),
    .target(
      name: "RungTrace",
      dependencies: [
        "RungReport", "RungSign", "RungLedger", "RungStore", "RungModel", "RungFormats", "RungCore", "CZstd",
      ],
      swiftSettings: strict),
    .target(
      name: "RungServe",
      dependencies: [
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ],
      swiftSettings: strict),
    .target(
      name: "RungCLI",
      dependencies: [
        "RungEngine", "RungTrace", "RungReport", "RungPlan", "RungClaims", "RungModel", "RungFormats", "RungExec",
        "RungRemote", "RungSign", "RungStore", "RungLedger", "RungServe", "RungCore", "CLinux",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    // Without a dynamic loader, which would take longer than all that `rung --version` does (decision 15).
    .executableTarget(
      name: "rung", dependencies: ["RungCLI"], swiftSettings: strict,
      linkerSettings: [
        .unsafeFlags(
          ["-static-executable", "-l_FoundationCollections", "-l_FoundationCShims"], .when(configuration: .release))
      ]),
    // What `make bench` measures the store with; never installed.
    .executableTarget(
      name: "rung-store-bench", dependencies: ["RungStore", "RungCore", "CZstd", "CLinux"],
      path: "Benchmarks/StoreBench", swiftSettings: strict),
    .executableTarget(
      name: "rung-remote-bench", dependencies: ["RungRemote", "RungStore", "RungCore"],
      path: "Benchmarks/RemoteBench", swiftSettings: strict),

    .testTarget(
      name: "RungCLITests", dependencies: ["RungCLI", "RungCore", "RungEngine"], exclude: ["Golden"],
      swiftSettings: strict),
    .testTarget(name: "RungServeTests", dependencies: ["RungServe"], swiftSettings: strict),
    .testTarget(name: "RungCoreTests", dependencies: ["RungCore"], swiftSettings: strict),
    .testTarget(
      name: "RungFormatsTests", dependencies: ["RungFormats", "RungCore"], exclude: ["Fixtures"],
      swiftSettings: strict),
    .testTarget(
      name: "RungStoreTests", dependencies: ["RungStore", "RungCore", "CRungStore", "rung-store-driver"],
      exclude: ["Past"], swiftSettings: strict),
    // What the store's tests and `make soak` start and kill.
    .executableTarget(
      name: "rung-store-driver", dependencies: ["RungStore", "RungCore"], path: "Tests/StoreDriver",
      swiftSettings: strict),
    .testTarget(
      name: "RungFuzzTests", dependencies: ["RungStore", "RungLedger", "RungFormats", "RungCore"], path: "Tests/Fuzz",
      exclude: ["Corpus", "Fuzzer.swift"], swiftSettings: strict),
    .testTarget(
      name: "RungRemoteTests",
      dependencies: ["RungRemote", "RungWire", "RungStore", "RungCore", "rung", "rung-transfer"],
      swiftSettings: strict),
    .testTarget(
      name: "RungLedgerTests", dependencies: ["RungLedger", "RungDatabase", "RungCore"], swiftSettings: strict),
    .testTarget(
      name: "RungExecTests", dependencies: ["RungExec", "CRungLaunch", "RungStore", "RungModel", "RungCore"],
      swiftSettings: strict),
    .testTarget(
      name: "RungPlanTests", dependencies: ["RungPlan", "RungModel", "RungCore"], swiftSettings: strict),
    .testTarget(
      name: "RungClaimsTests", dependencies: ["RungClaims", "RungModel", "RungCore"], swiftSettings: strict),
    .testTarget(
      name: "RungEngineTests",
      dependencies: [
        "RungEngine", "RungTrace", "RungPlan", "RungModel", "RungFormats", "RungExec", "RungRemote", "RungSign",
        "RungStore", "RungLedger", "RungCore",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "RungModelTests", dependencies: ["RungModel", "RungCore"], exclude: ["Golden"], swiftSettings: strict),
    .testTarget(
      name: "RungCommandTests", dependencies: ["rung", "RungFormats", "RungSign", "RungCore"],
      exclude: ["Golden", "Programs", "Projects"],
      swiftSettings: strict),
    .testTarget(
      name: "RungReportTests", dependencies: ["RungReport", "RungCore"], exclude: ["Golden"], swiftSettings: strict),
    .testTarget(
      name: "RungTraceTests",
      dependencies: ["RungTrace", "RungSign", "RungFormats", "RungLedger", "RungStore", "RungModel", "RungCore"],
      swiftSettings: strict),
  ]
)
