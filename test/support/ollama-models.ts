/** A model's full name: the tag `latest` is added where there is none. */
export function withTag(model: string): string {
  return model.includes(":") ? model : `${model}:latest`;
}

const DETAILS = {
  parent_model: "",
  format: "gguf",
  family: "llama",
  families: ["llama"],
  parameter_size: "3.2B",
  quantization_level: "Q4_K_M",
};

/** A model as `/api/tags` lists it. As with Ollama, one whose tag ends in `cloud` runs elsewhere. */
export function describeModel(name: string): object {
  return {
    name,
    model: name,
    modified_at: "2026-01-01T00:00:00.000000000Z",
    size: 2_019_393_189,
    digest: Buffer.from(name).toString("hex").padEnd(64, "0").slice(0, 64),
    ...(/[:-]cloud$/.test(name) ? { remote_model: name, remote_host: "https://ollama.com:443" } : {}),
    details: name.includes("embed") ? { ...DETAILS, family: "nomic-bert", families: ["nomic-bert"] } : DETAILS,
  };
}

/** A model as `/api/show` shows it. */
export function showModel(model: string): object {
  return {
    ...(/[:-]cloud$/.test(model) ? { remote_model: model, remote_host: "https://ollama.com:443" } : {}),
    license: "",
    modelfile: `FROM ${model}`,
    parameters: "",
    template: "{{ .Prompt }}",
    details: DETAILS,
    model_info: { "general.architecture": "llama", "llama.context_length": 131_072 },
    capabilities: ["completion", model.includes("vision") ? "vision" : "tools"],
    modified_at: "2026-01-01T00:00:00.000000000Z",
  };
}
