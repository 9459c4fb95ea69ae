/**
 * What a real llama-server sends, byte for byte: an HTTP response each, as it came over one connection with `Connection: close`.
 * Recorded of the model SmolLM2-135M-Instruct (Q4_1) with a context window of 512 tokens and one slot.
 */

/** The build has xllamacpp's version; it calls itself `b0-unknown`. */
export const server = "llama-server (llama.cpp b11549, by xllamacpp 2026.10.11549)";

/**
 * `GET /v1/models`: the model by its file's path, its window in `meta.n_ctx`, its abilities beside the list and in
 * `architecture`.
 */
export const models = [
  "HTTP/1.1 200 OK\r\n",
  "Server: llama.cpp\r\n",
  "Access-Control-Allow-Origin: \r\n",
  "Content-Type: application/json; charset=utf-8\r\n",
  "Content-Length: 768\r\n",
  "Connection: close\r\n",
  "\r\n",
  '{"models":[{"name":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","modified_at":"","size":"","digest":"","type":"model","description":"","tags":[""],"capabilities":["completion"],"parameters":"","details":{"parent_model":"","format":"gguf","family":"","families":[""],"parameter_size":"","quantization_level":""}}],"object":"list","data":[{"id":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","aliases":["/models/SmolLM2-135M-Instruct.Q4_1.gguf"],"tags":[],"object":"model","architecture":{"input_modalities":["text"],"output_modalities":["text"]},"created":1795954535,"owned_by":"llamacpp","meta":{"vocab_type":2,"n_vocab":49152,"n_ctx":512,"n_ctx_train":8192,"n_embd":576,"n_params":134515008,"size":96576768,"ftype":"Q4_1"}}]}',
].join("");

/** `GET /props`. */
export const props = [
  "HTTP/1.1 200 OK\r\n",
  "Server: llama.cpp\r\n",
  "Access-Control-Allow-Origin: \r\n",
  "Content-Type: application/json; charset=utf-8\r\n",
  "Content-Length: 2219\r\n",
  "Connection: close\r\n",
  "\r\n",
  '{"default_generation_settings":{"params":{"seed":1,"temperature":0.800000011920929,"dynatemp_range":0.0,"dynatemp_exponent":1.0,"top_k":40,"top_p":0.949999988079071,"min_p":0.05000000074505806,"top_n_sigma":-1.0,"xtc_probability":0.0,"xtc_threshold":0.10000000149011612,"typical_p":1.0,"repeat_last_n":64,"repeat_penalty":1.0,"presence_penalty":0.0,"frequency_penalty":0.0,"dry_multiplier":0.0,"dry_base":1.75,"dry_allowed_length":2,"dry_penalty_last_n":64,"mirostat":0,"mirostat_tau":5.0,"mirostat_eta":0.10000000149011612,"adaptive_target":-1.0,"adaptive_decay":0.8999999761581421,"max_tokens":-1,"n_predict":-1,"n_keep":0,"n_discard":0,"ignore_eos":false,"stream":false,"n_probs":0,"min_keep":0,"chat_format":"Content-only","reasoning_format":"none","reasoning_in_content":false,"generation_prompt":"","samplers":["penalties","dry","top_n_sigma","top_k","typ_p","top_p","min_p","xtc","temperature"],"speculative.types":"none","timings_per_token":false,"post_sampling_probs":false,"backend_sampling":false,"lora":[]},"n_ctx":512},"total_slots":1,"model_alias":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","model_ftype":"Q4_1","model_path":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","modalities":{"vision":false,"video":false,"audio":false},"media_marker":"<__media_oL2aiXhOLJtSHeI34DcbozixBqSM23EA__>","endpoint_slots":true,"endpoint_props":false,"endpoint_metrics":false,"ui":true,"ui_settings":{},"chat_template":"{% for message in messages %}{% if loop.first and messages[0][\'role\'] != \'system\' %}{{ \'<|im_start|>system\\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\\n\' }}{% endif %}{{\'<|im_start|>\' + message[\'role\'] + \'\\n\' + message[\'content\'] + \'<|im_end|>\' + \'\\n\'}}{% endfor %}{% if add_generation_prompt %}{{ \'<|im_start|>assistant\\n\' }}{% endif %}","chat_template_caps":{"supports_object_arguments":false,"supports_parallel_tool_calls":false,"supports_preserve_reasoning":false,"supports_reasoning_effort":false,"supports_string_content":true,"supports_system_role":true,"supports_tool_calls":false,"supports_tools":false,"supports_typed_content":false},"bos_token":"<|im_start|>","eos_token":"<|im_end|>","build_info":"b0-unknown","is_sleeping":false,"cors_proxy_enabled":false}',
].join("");

/** `GET /slots` while nothing is asked. */
export const slotsIdle = [
  "HTTP/1.1 200 OK\r\n",
  "Server: llama.cpp\r\n",
  "Access-Control-Allow-Origin: \r\n",
  "Content-Type: application/json; charset=utf-8\r\n",
  "Content-Length: 64\r\n",
  "Connection: close\r\n",
  "\r\n",
  '[{"id":0,"n_ctx":512,"speculative":false,"is_processing":false}]',
].join("");

/** `GET /slots` while an answer is made. */
export const slotsBusy = [
  "HTTP/1.1 200 OK\r\n",
  "Server: llama.cpp\r\n",
  "Access-Control-Allow-Origin: \r\n",
  "Content-Type: application/json; charset=utf-8\r\n",
  "Content-Length: 1240\r\n",
  "Connection: close\r\n",
  "\r\n",
  '[{"id":0,"n_ctx":512,"speculative":false,"is_processing":true,"id_task":0,"n_prompt_tokens":41,"n_prompt_tokens_processed":31,"n_prompt_tokens_cache":0,"params":{"seed":1,"temperature":0.0,"dynatemp_range":0.0,"dynatemp_exponent":1.0,"top_k":40,"top_p":0.949999988079071,"min_p":0.05000000074505806,"top_n_sigma":-1.0,"xtc_probability":0.0,"xtc_threshold":0.10000000149011612,"typical_p":1.0,"repeat_last_n":64,"repeat_penalty":1.0,"presence_penalty":0.0,"frequency_penalty":0.0,"dry_multiplier":0.0,"dry_base":1.75,"dry_allowed_length":2,"dry_penalty_last_n":64,"mirostat":0,"mirostat_tau":5.0,"mirostat_eta":0.10000000149011612,"adaptive_target":-1.0,"adaptive_decay":0.8999999761581421,"max_tokens":100,"n_predict":100,"n_keep":0,"n_discard":0,"ignore_eos":true,"stream":true,"n_probs":0,"min_keep":0,"chat_format":"peg-native","reasoning_format":"deepseek","reasoning_in_content":false,"generation_prompt":"<|im_start|>assistant\\n","samplers":["penalties","dry","top_n_sigma","top_k","typ_p","top_p","min_p","xtc","temperature"],"speculative.types":"none","timings_per_token":false,"post_sampling_probs":false,"backend_sampling":false,"lora":[]},"next_token":[{"has_next_token":true,"has_new_line":false,"n_remain":90,"n_decoded":10}]}]',
].join("");

/** `GET /health`. */
export const health = [
  "HTTP/1.1 200 OK\r\n",
  "Server: llama.cpp\r\n",
  "Access-Control-Allow-Origin: \r\n",
  "Content-Type: application/json; charset=utf-8\r\n",
  "Content-Length: 15\r\n",
  "Connection: close\r\n",
  "\r\n",
  '{"status":"ok"}',
].join("");

/** `GET /api/version`, which an Ollama would know. */
export const unknownPath = [
  "HTTP/1.1 404 Not Found\r\n",
  "Server: llama.cpp\r\n",
  "Access-Control-Allow-Origin: \r\n",
  "Content-Type: application/json; charset=utf-8\r\n",
  "Content-Length: 74\r\n",
  "Connection: close\r\n",
  "\r\n",
  '{"error":{"message":"File Not Found","type":"not_found_error","code":404}}',
].join("");

/** An answer that came to its end, with `stream_options.include_usage`. */
export const endedByStop = [
  "HTTP/1.1 200 OK\r\n",
  "Server: llama.cpp\r\n",
  "Access-Control-Allow-Origin: \r\n",
  "X-Accel-Buffering: no\r\n",
  "Content-Type: text/event-stream\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Connection: close\r\n",
  "\r\n",
  "228\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"created":1795954535,"id":"chatcmpl-9qgTDy8k1uXu27Tj03uqtXfbqXUJsaw4","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"Yes"}}],"created":1795954535,"id":"chatcmpl-9qgTDy8k1uXu27Tj03uqtXfbqXUJsaw4","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "10f\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":" indeed"}}],"created":1795954535,"id":"chatcmpl-9qgTDy8k1uXu27Tj03uqtXfbqXUJsaw4","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "109\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"."}}],"created":1795954535,"id":"chatcmpl-9qgTDy8k1uXu27Tj03uqtXfbqXUJsaw4","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "344\r\n",
  'data: {"choices":[{"finish_reason":"stop","index":0,"delta":{}}],"created":1795954535,"id":"chatcmpl-9qgTDy8k1uXu27Tj03uqtXfbqXUJsaw4","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  'data: {"choices":[],"created":1795954535,"id":"chatcmpl-9qgTDy8k1uXu27Tj03uqtXfbqXUJsaw4","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk","usage":{"completion_tokens":4,"prompt_tokens":33,"total_tokens":37,"prompt_tokens_details":{"cached_tokens":0}},"timings":{"cache_n":0,"prompt_n":33,"prompt_ms":395.463,"prompt_per_token_ms":11.983727272727274,"prompt_per_second":83.44649183362287,"predicted_n":4,"predicted_ms":87.586,"predicted_per_token_ms":29.195333333333334,"predicted_per_second":34.25204941428996}}\n',
  "\n",
  "\r\n",
  "e\r\n",
  "data: [DONE]\n",
  "\n",
  "\r\n",
  "0\r\n",
  "\r\n",
].join("");

/** An answer that came to `max_tokens`. */
export const endedByLength = [
  "HTTP/1.1 200 OK\r\n",
  "Server: llama.cpp\r\n",
  "Access-Control-Allow-Origin: \r\n",
  "X-Accel-Buffering: no\r\n",
  "Content-Type: text/event-stream\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Connection: close\r\n",
  "\r\n",
  "22a\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"created":1795954535,"id":"chatcmpl-X0Hq7spLLJe8Rj3XuC9UTIbG8vJPjDlp","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"Hello"}}],"created":1795954535,"id":"chatcmpl-X0Hq7spLLJe8Rj3XuC9UTIbG8vJPjDlp","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "109\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"!"}}],"created":1795954535,"id":"chatcmpl-X0Hq7spLLJe8Rj3XuC9UTIbG8vJPjDlp","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "10a\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":" I"}}],"created":1795954535,"id":"chatcmpl-X0Hq7spLLJe8Rj3XuC9UTIbG8vJPjDlp","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "33a\r\n",
  'data: {"choices":[{"finish_reason":"length","index":0,"delta":{}}],"created":1795954535,"id":"chatcmpl-X0Hq7spLLJe8Rj3XuC9UTIbG8vJPjDlp","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  'data: {"choices":[],"created":1795954535,"id":"chatcmpl-X0Hq7spLLJe8Rj3XuC9UTIbG8vJPjDlp","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk","usage":{"completion_tokens":3,"prompt_tokens":31,"total_tokens":34,"prompt_tokens_details":{"cached_tokens":24}},"timings":{"cache_n":24,"prompt_n":7,"prompt_ms":89.857,"prompt_per_token_ms":12.836714285714285,"prompt_per_second":77.90155469245579,"predicted_n":3,"predicted_ms":48.278,"predicted_per_token_ms":24.139,"predicted_per_second":41.42673681594101}}\n',
  "\n",
  "\r\n",
  "e\r\n",
  "data: [DONE]\n",
  "\n",
  "\r\n",
  "0\r\n",
  "\r\n",
].join("");

/** An answer that filled the context window before it came to `max_tokens`: `length`, too. */
export const endedByFullContext = [
  "HTTP/1.1 200 OK\r\n",
  "Server: llama.cpp\r\n",
  "Access-Control-Allow-Origin: \r\n",
  "X-Accel-Buffering: no\r\n",
  "Content-Type: text/event-stream\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Connection: close\r\n",
  "\r\n",
  "11d\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"created":1795954543,"id":"chatcmpl-jBOgtkMUpdVwLk95BKEXqUWrrFZCq7uS","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "10b\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"ass"}}],"created":1795954543,"id":"chatcmpl-jBOgtkMUpdVwLk95BKEXqUWrrFZCq7uS","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "10e\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"istant"}}],"created":1795954543,"id":"chatcmpl-jBOgtkMUpdVwLk95BKEXqUWrrFZCq7uS","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "10a\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"\\n"}}],"created":1795954543,"id":"chatcmpl-jBOgtkMUpdVwLk95BKEXqUWrrFZCq7uS","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "10b\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"ass"}}],"created":1795954543,"id":"chatcmpl-jBOgtkMUpdVwLk95BKEXqUWrrFZCq7uS","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "10e\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"istant"}}],"created":1795954543,"id":"chatcmpl-jBOgtkMUpdVwLk95BKEXqUWrrFZCq7uS","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "10a\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"\\n"}}],"created":1795954543,"id":"chatcmpl-jBOgtkMUpdVwLk95BKEXqUWrrFZCq7uS","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "10c\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"user"}}],"created":1795954543,"id":"chatcmpl-jBOgtkMUpdVwLk95BKEXqUWrrFZCq7uS","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "10a\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"\\n"}}],"created":1795954543,"id":"chatcmpl-jBOgtkMUpdVwLk95BKEXqUWrrFZCq7uS","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "10b\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"You"}}],"created":1795954543,"id":"chatcmpl-jBOgtkMUpdVwLk95BKEXqUWrrFZCq7uS","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "10c\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":" can"}}],"created":1795954543,"id":"chatcmpl-jBOgtkMUpdVwLk95BKEXqUWrrFZCq7uS","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "10a\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"\'t"}}],"created":1795954543,"id":"chatcmpl-jBOgtkMUpdVwLk95BKEXqUWrrFZCq7uS","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "10d\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":" help"}}],"created":1795954543,"id":"chatcmpl-jBOgtkMUpdVwLk95BKEXqUWrrFZCq7uS","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "10b\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":" me"}}],"created":1795954543,"id":"chatcmpl-jBOgtkMUpdVwLk95BKEXqUWrrFZCq7uS","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "10d\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":" with"}}],"created":1795954543,"id":"chatcmpl-jBOgtkMUpdVwLk95BKEXqUWrrFZCq7uS","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "10c\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":" the"}}],"created":1795954543,"id":"chatcmpl-jBOgtkMUpdVwLk95BKEXqUWrrFZCq7uS","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "10e\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":" world"}}],"created":1795954543,"id":"chatcmpl-jBOgtkMUpdVwLk95BKEXqUWrrFZCq7uS","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "109\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"."}}],"created":1795954543,"id":"chatcmpl-jBOgtkMUpdVwLk95BKEXqUWrrFZCq7uS","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "10a\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":" I"}}],"created":1795954543,"id":"chatcmpl-jBOgtkMUpdVwLk95BKEXqUWrrFZCq7uS","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "344\r\n",
  'data: {"choices":[{"finish_reason":"length","index":0,"delta":{}}],"created":1795954543,"id":"chatcmpl-jBOgtkMUpdVwLk95BKEXqUWrrFZCq7uS","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  'data: {"choices":[],"created":1795954543,"id":"chatcmpl-jBOgtkMUpdVwLk95BKEXqUWrrFZCq7uS","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk","usage":{"completion_tokens":21,"prompt_tokens":491,"total_tokens":512,"prompt_tokens_details":{"cached_tokens":24}},"timings":{"cache_n":24,"prompt_n":467,"prompt_ms":4447.126,"prompt_per_token_ms":9.52275374732334,"prompt_per_second":105.01164122626612,"predicted_n":21,"predicted_ms":471.884,"predicted_per_token_ms":23.5942,"predicted_per_second":42.383297590085704}}\n',
  "\n",
  "\r\n",
  "e\r\n",
  "data: [DONE]\n",
  "\n",
  "\r\n",
  "0\r\n",
  "\r\n",
].join("");

/** A prompt that does not fit into the context window. */
export const tooLong = [
  "HTTP/1.1 400 Bad Request\r\n",
  "Server: llama.cpp\r\n",
  "Access-Control-Allow-Origin: \r\n",
  "Content-Type: application/json; charset=utf-8\r\n",
  "Content-Length: 191\r\n",
  "Connection: close\r\n",
  "\r\n",
  '{"error":{"code":400,"message":"request (732 tokens) exceeds the available context size (512 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":732,"n_ctx":512}}',
].join("");

/** A picture for a model that does not see. */
export const pictureRefused = [
  "HTTP/1.1 500 Internal Server Error\r\n",
  "Server: llama.cpp\r\n",
  "Access-Control-Allow-Origin: \r\n",
  "Content-Type: application/json; charset=utf-8\r\n",
  "Content-Length: 151\r\n",
  "Connection: close\r\n",
  "\r\n",
  '{"error":{"code":500,"message":"image input is not supported - hint: if this is unexpected, you may need to provide the mmproj","type":"server_error"}}',
].join("");

/** Two messages of the assistant's at the end. */
export const rolesRefused = [
  "HTTP/1.1 400 Bad Request\r\n",
  "Server: llama.cpp\r\n",
  "Access-Control-Allow-Origin: \r\n",
  "Content-Type: application/json; charset=utf-8\r\n",
  "Content-Length: 130\r\n",
  "Connection: close\r\n",
  "\r\n",
  '{"error":{"code":400,"message":"Cannot have 2 or more assistant messages at the end of the list.","type":"invalid_request_error"}}',
].join("");

/** `POST /v1/audio/transcriptions` where the model does not hear. */
export const audioRefused = [
  "HTTP/1.1 501 Not Implemented\r\n",
  "Server: llama.cpp\r\n",
  "Access-Control-Allow-Origin: \r\n",
  "Content-Type: application/json; charset=utf-8\r\n",
  "Content-Length: 111\r\n",
  "Connection: close\r\n",
  "\r\n",
  '{"error":{"code":501,"message":"The current model does not support audio input.","type":"not_supported_error"}}',
].join("");

/** Any request before the model is loaded. */
export const loading = [
  "HTTP/1.1 503 Service Unavailable\r\n",
  "Server: llama.cpp\r\n",
  "Access-Control-Allow-Origin: \r\n",
  "Content-Type: application/json; charset=utf-8\r\n",
  "Content-Length: 75\r\n",
  "Connection: close\r\n",
  "\r\n",
  '{"error":{"message":"Loading model","type":"unavailable_error","code":503}}',
].join("");

/** A question without the key, to a server that needs one. */
export const wrongKey = [
  "HTTP/1.1 401 Unauthorized\r\n",
  "Server: llama.cpp\r\n",
  "Access-Control-Allow-Origin: \r\n",
  "Content-Type: application/json; charset=utf-8\r\n",
  "Content-Length: 80\r\n",
  "Connection: close\r\n",
  "\r\n",
  '{"error":{"message":"Invalid API Key","type":"authentication_error","code":401}}',
].join("");

/** An answer whose server was killed during it: the connection ended there. */
export const killed = [
  "HTTP/1.1 200 OK\r\n",
  "Server: llama.cpp\r\n",
  "Access-Control-Allow-Origin: \r\n",
  "X-Accel-Buffering: no\r\n",
  "Content-Type: text/event-stream\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Connection: close\r\n",
  "\r\n",
  "22a\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"created":1795954544,"id":"chatcmpl-7JtnxBCktNw93VwjHRVtgtNFnJQ6pwJz","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"Hello"}}],"created":1795954544,"id":"chatcmpl-7JtnxBCktNw93VwjHRVtgtNFnJQ6pwJz","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "109\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"!"}}],"created":1795954544,"id":"chatcmpl-7JtnxBCktNw93VwjHRVtgtNFnJQ6pwJz","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
  "10a\r\n",
  'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":" I"}}],"created":1795954544,"id":"chatcmpl-7JtnxBCktNw93VwjHRVtgtNFnJQ6pwJz","model":"/models/SmolLM2-135M-Instruct.Q4_1.gguf","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n',
  "\n",
  "\r\n",
].join("");
