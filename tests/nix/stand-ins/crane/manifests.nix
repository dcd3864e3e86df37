# Only what cargo reads to find dependencies: a change of a source compiles no dependency again.
src:
builtins.path {
  name = "manifests";
  path = src.origSrc;
  filter =
    path: type:
    src.filter path type
    && (type == "directory" || baseNameOf path == "Cargo.toml" || baseNameOf path == "Cargo.lock");
}
