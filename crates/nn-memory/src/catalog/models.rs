//! Published models: the fields of their `config.json` that decide memory, and where those are stated.
//!
//! **Fields** have the names of the family's `config.json` on Hugging Face. A field that equals the
//! default of the family's config class in transformers 5 may be left out, and those that do not bear
//! on memory are. `num_labels` stands for the table of labels that the image classifiers publish.
//!
//! **Sources** are the publisher's own `config.json`. That of the Llama models, of Gemma 2 2B and of Gemma 3 is
//! not open to all, so their rows name LitGPT's table, which was written from those files, or TorchTitan's. The other
//! Gemma models have Google's own code, and GPT-3 its paper.
//!
//! **Counts** come from building each config in transformers 5.17 on the meta device. They equal the
//! counts published to the unit for GPT-2, the Pythia suite, GPT-NeoX 20B, BLOOM and StableLM 3B. The
//! card of StableLM 2 1.6B says 1,644,417,024, which is 98,304 less than its class holds; that of GPT-J 6B says
//! 6,053,381,344, which is 2,498,560 more.

/// A published model: its name, the fields of its `config.json` that decide memory, and where they
/// are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// Stable key, used in links: lower case, digits, dots and hyphens, such as `llama-2-70b`.
    pub key: &'static str,
    /// Name as published, such as `Llama 2 70B`.
    pub name: &'static str,
    /// JSON text, `model_type` first.
    pub config: &'static str,
    /// Exact count of parameters, each shared weight once, by the reference implementation: the class of transformers 5
    /// for causal language models; for masked ones with `bert`, `roberta`, `xlm-roberta`, `camembert`, `distilbert`,
    /// `electra`, `albert` and `modernbert`; for conditional generation with `t5`, `mt5` and `bart`, their head apart where
    /// the published weights hold it apart; for image classification with `vit` and `deit`; timm's for `timm_beit`,
    /// `timm_eva`, `timm_mixer` and `timm_swin`; torchvision's for `torchvision_vit`. None where that class is not the
    /// model's own.
    pub parameters: Option<u64>,
    /// Where the fields are stated.
    pub source: &'static str,
}

/// The models, by family (`model_type`) and then by size.
#[rustfmt::skip]
pub const MODELS: &[Model] = &[
    // albert
    Model { key: "albert-base-v2", name: "ALBERT base v2", config: r#"{"model_type":"albert","embedding_size":128,"hidden_size":768,"intermediate_size":3072,"num_hidden_layers":12,"num_attention_heads":12,"vocab_size":30000,"max_position_embeddings":512}"#, parameters: Some(11_221_680), source: "https://huggingface.co/albert/albert-base-v2/blob/main/config.json" },
    Model { key: "albert-large-v2", name: "ALBERT large v2", config: r#"{"model_type":"albert","embedding_size":128,"hidden_size":1024,"intermediate_size":4096,"num_hidden_layers":24,"num_attention_heads":16,"vocab_size":30000,"max_position_embeddings":512}"#, parameters: Some(16_795_824), source: "https://huggingface.co/albert/albert-large-v2/blob/main/config.json" },
    Model { key: "albert-xlarge-v2", name: "ALBERT xlarge v2", config: r#"{"model_type":"albert","embedding_size":128,"hidden_size":2048,"intermediate_size":8192,"num_hidden_layers":24,"num_attention_heads":16,"vocab_size":30000,"max_position_embeddings":512}"#, parameters: Some(54_821_040), source: "https://huggingface.co/albert/albert-xlarge-v2/blob/main/config.json" },
    Model { key: "albert-xxlarge-v2", name: "ALBERT xxlarge v2", config: r#"{"model_type":"albert","embedding_size":128,"hidden_size":4096,"intermediate_size":16384,"num_hidden_layers":12,"num_attention_heads":64,"vocab_size":30000,"max_position_embeddings":512}"#, parameters: Some(206_368_944), source: "https://huggingface.co/albert/albert-xxlarge-v2/blob/main/config.json" },

    // bart
    Model { key: "bart-base", name: "BART base", config: r#"{"model_type":"bart","d_model":768,"encoder_layers":6,"encoder_ffn_dim":3072,"encoder_attention_heads":12,"decoder_layers":6,"decoder_ffn_dim":3072,"decoder_attention_heads":12,"attention_dropout":0.1,"activation_dropout":0.1,"vocab_size":50265,"max_position_embeddings":1024}"#, parameters: Some(139_420_416), source: "https://huggingface.co/facebook/bart-base/blob/main/config.json" },
    Model { key: "bart-large", name: "BART large", config: r#"{"model_type":"bart","d_model":1024,"encoder_layers":12,"encoder_ffn_dim":4096,"encoder_attention_heads":16,"decoder_layers":12,"decoder_ffn_dim":4096,"decoder_attention_heads":16,"attention_dropout":0.1,"activation_dropout":0.1,"vocab_size":50265,"max_position_embeddings":1024}"#, parameters: Some(406_291_456), source: "https://huggingface.co/facebook/bart-large/blob/main/config.json" },

    // bert
    Model { key: "bert-base", name: "BERT base", config: r#"{"model_type":"bert","hidden_size":768,"intermediate_size":3072,"num_hidden_layers":12,"num_attention_heads":12,"vocab_size":30522,"max_position_embeddings":512}"#, parameters: Some(109_514_298), source: "https://huggingface.co/google-bert/bert-base-uncased/blob/main/config.json" },
    Model { key: "bert-large", name: "BERT large", config: r#"{"model_type":"bert","hidden_size":1024,"intermediate_size":4096,"num_hidden_layers":24,"num_attention_heads":16,"vocab_size":30522,"max_position_embeddings":512}"#, parameters: Some(335_174_458), source: "https://huggingface.co/google-bert/bert-large-uncased/blob/main/config.json" },

    // bloom
    Model { key: "bloom-560m", name: "BLOOM 560M", config: r#"{"model_type":"bloom","hidden_size":1024,"n_layer":24,"n_head":16,"vocab_size":250880}"#, parameters: Some(559_214_592), source: "https://huggingface.co/bigscience/bloom-560m/blob/main/config.json" },
    Model { key: "bloom-1b1", name: "BLOOM 1.1B", config: r#"{"model_type":"bloom","hidden_size":1536,"n_layer":24,"n_head":16,"vocab_size":250880}"#, parameters: Some(1_065_314_304), source: "https://huggingface.co/bigscience/bloom-1b1/blob/main/config.json" },
    Model { key: "bloom-1b7", name: "BLOOM 1.7B", config: r#"{"model_type":"bloom","hidden_size":2048,"n_layer":24,"n_head":16,"vocab_size":250880}"#, parameters: Some(1_722_408_960), source: "https://huggingface.co/bigscience/bloom-1b7/blob/main/config.json" },
    Model { key: "bloom-3b", name: "BLOOM 3B", config: r#"{"model_type":"bloom","hidden_size":2560,"n_layer":30,"n_head":32,"vocab_size":250880}"#, parameters: Some(3_002_557_440), source: "https://huggingface.co/bigscience/bloom-3b/blob/main/config.json" },
    Model { key: "bloom-7b1", name: "BLOOM 7.1B", config: r#"{"model_type":"bloom","hidden_size":4096,"n_layer":30,"n_head":32,"vocab_size":250880}"#, parameters: Some(7_069_016_064), source: "https://huggingface.co/bigscience/bloom-7b1/blob/main/config.json" },
    Model { key: "bloom-176b", name: "BLOOM 176B", config: r#"{"model_type":"bloom","hidden_size":14336,"n_layer":70,"n_head":112,"vocab_size":250880}"#, parameters: Some(176_247_271_424), source: "https://huggingface.co/bigscience/bloom/blob/main/config.json" },

    // camembert
    Model { key: "camembert-base", name: "CamemBERT base", config: r#"{"model_type":"camembert","hidden_size":768,"intermediate_size":3072,"num_hidden_layers":12,"num_attention_heads":12,"vocab_size":32005,"max_position_embeddings":514,"type_vocab_size":1}"#, parameters: Some(110_655_493), source: "https://huggingface.co/almanach/camembert-base/blob/main/config.json" },
    Model { key: "camembert-large", name: "CamemBERT large", config: r#"{"model_type":"camembert","hidden_size":1024,"intermediate_size":4096,"num_hidden_layers":24,"num_attention_heads":16,"vocab_size":32005,"max_position_embeddings":514,"type_vocab_size":1}"#, parameters: Some(336_695_557), source: "https://huggingface.co/almanach/camembert-large/blob/main/config.json" },

    // cohere
    Model { key: "aya-23-8b", name: "Aya 23 8B", config: r#"{"model_type":"cohere","hidden_size":4096,"intermediate_size":14336,"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":8,"vocab_size":256000,"max_position_embeddings":8192}"#, parameters: Some(8_028_033_024), source: "https://huggingface.co/CohereLabs/aya-23-8B/blob/main/config.json" },
    Model { key: "command-r-35b", name: "Command R 35B", config: r#"{"model_type":"cohere","hidden_size":8192,"intermediate_size":22528,"num_hidden_layers":40,"num_attention_heads":64,"num_key_value_heads":64,"vocab_size":256000,"max_position_embeddings":8192}"#, parameters: Some(34_980_831_232), source: "https://huggingface.co/CohereLabs/c4ai-command-r-v01/blob/main/config.json" },
    Model { key: "command-r-plus-104b", name: "Command R+ 104B", config: r#"{"model_type":"cohere","hidden_size":12288,"intermediate_size":33792,"num_hidden_layers":64,"num_attention_heads":96,"num_key_value_heads":8,"vocab_size":256000,"max_position_embeddings":8192,"use_qk_norm":true}"#, parameters: Some(103_810_674_688), source: "https://huggingface.co/CohereLabs/c4ai-command-r-plus/blob/main/config.json" },

    // cohere2
    Model { key: "command-r7b-12-2024", name: "Command R7B", config: r#"{"model_type":"cohere2","hidden_size":4096,"intermediate_size":14336,"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":8,"vocab_size":256000,"max_position_embeddings":132096,"sliding_window":4096,"sliding_window_pattern":4}"#, parameters: Some(8_028_033_024), source: "https://huggingface.co/CohereLabs/c4ai-command-r7b-12-2024/blob/main/config.json" },
    Model { key: "command-a-03-2025", name: "Command A 111B", config: r#"{"model_type":"cohere2","hidden_size":12288,"intermediate_size":36864,"num_hidden_layers":64,"num_attention_heads":96,"num_key_value_heads":8,"vocab_size":256000,"max_position_embeddings":131072,"sliding_window":4096,"sliding_window_pattern":4}"#, parameters: Some(111_057_580_032), source: "https://huggingface.co/CohereLabs/c4ai-command-a-03-2025/blob/main/config.json" },

    // deepseek_v2
    Model { key: "deepseek-v2-lite", name: "DeepSeek-V2-Lite", config: r#"{"model_type":"deepseek_v2","hidden_size":2048,"intermediate_size":10944,"moe_intermediate_size":1408,"num_hidden_layers":27,"first_k_dense_replace":1,"num_attention_heads":16,"q_lora_rank":null,"kv_lora_rank":512,"qk_nope_head_dim":128,"qk_rope_head_dim":64,"v_head_dim":128,"n_routed_experts":64,"num_experts_per_tok":6,"n_shared_experts":2,"topk_method":"greedy","n_group":1,"topk_group":1,"vocab_size":102400,"max_position_embeddings":163840}"#, parameters: Some(15_706_484_224), source: "https://huggingface.co/deepseek-ai/DeepSeek-V2-Lite/blob/main/config.json" },
    Model { key: "deepseek-v2", name: "DeepSeek-V2", config: r#"{"model_type":"deepseek_v2","hidden_size":5120,"intermediate_size":12288,"moe_intermediate_size":1536,"num_hidden_layers":60,"first_k_dense_replace":1,"num_attention_heads":128,"q_lora_rank":1536,"kv_lora_rank":512,"qk_nope_head_dim":128,"qk_rope_head_dim":64,"v_head_dim":128,"n_routed_experts":160,"num_experts_per_tok":6,"n_shared_experts":2,"topk_method":"group_limited_greedy","n_group":8,"topk_group":3,"vocab_size":102400,"max_position_embeddings":163840}"#, parameters: Some(235_741_434_880), source: "https://huggingface.co/deepseek-ai/DeepSeek-V2/blob/main/config.json" },
    // deepseek_v3
    // Counted without the module that predicts one token more, which is published beside DeepSeek-V3 and R1 and never built.
    Model { key: "moonlight-16b-a3b", name: "Moonlight 16B A3B", config: r#"{"model_type":"deepseek_v3","hidden_size":2048,"intermediate_size":11264,"moe_intermediate_size":1408,"num_hidden_layers":27,"first_k_dense_replace":1,"num_attention_heads":16,"q_lora_rank":null,"kv_lora_rank":512,"qk_nope_head_dim":128,"qk_rope_head_dim":64,"v_head_dim":128,"n_routed_experts":64,"num_experts_per_tok":6,"n_shared_experts":2,"n_group":1,"topk_group":1,"norm_topk_prob":true,"vocab_size":163840,"max_position_embeddings":8192}"#, parameters: Some(15_960_108_544), source: "https://github.com/vllm-project/vime/blob/b332ffc2c80e204ad520f93daa0aa7d1e65294d8/scripts/models/moonlight.sh" },
    Model { key: "deepseek-v3", name: "DeepSeek-V3", config: r#"{"model_type":"deepseek_v3","hidden_size":7168,"intermediate_size":18432,"moe_intermediate_size":2048,"num_hidden_layers":61,"first_k_dense_replace":3,"num_attention_heads":128,"q_lora_rank":1536,"kv_lora_rank":512,"qk_nope_head_dim":128,"qk_rope_head_dim":64,"v_head_dim":128,"n_routed_experts":256,"num_experts_per_tok":8,"n_shared_experts":1,"n_group":8,"topk_group":4,"norm_topk_prob":true,"vocab_size":129280,"max_position_embeddings":163840}"#, parameters: Some(671_026_404_352), source: "https://huggingface.co/deepseek-ai/DeepSeek-V3/blob/main/config.json" },
    Model { key: "deepseek-r1", name: "DeepSeek-R1", config: r#"{"model_type":"deepseek_v3","hidden_size":7168,"intermediate_size":18432,"moe_intermediate_size":2048,"num_hidden_layers":61,"first_k_dense_replace":3,"num_attention_heads":128,"q_lora_rank":1536,"kv_lora_rank":512,"qk_nope_head_dim":128,"qk_rope_head_dim":64,"v_head_dim":128,"n_routed_experts":256,"num_experts_per_tok":8,"n_shared_experts":1,"n_group":8,"topk_group":4,"norm_topk_prob":true,"vocab_size":129280,"max_position_embeddings":163840}"#, parameters: Some(671_026_404_352), source: "https://huggingface.co/deepseek-ai/DeepSeek-R1/blob/main/config.json" },
    Model { key: "kimi-k2", name: "Kimi K2", config: r#"{"model_type":"deepseek_v3","hidden_size":7168,"intermediate_size":18432,"moe_intermediate_size":2048,"num_hidden_layers":61,"first_k_dense_replace":1,"num_attention_heads":64,"q_lora_rank":1536,"kv_lora_rank":512,"qk_nope_head_dim":128,"qk_rope_head_dim":64,"v_head_dim":128,"n_routed_experts":384,"num_experts_per_tok":8,"n_shared_experts":1,"n_group":1,"topk_group":1,"norm_topk_prob":true,"vocab_size":163840,"max_position_embeddings":131072}"#, parameters: Some(1_026_408_209_408), source: "https://huggingface.co/moonshotai/Kimi-K2-Instruct/blob/main/config.json" },

    // deit
    // Counted with one classifier. The distilled models are published with two.
    Model { key: "deit-tiny-distilled", name: "DeiT tiny distilled", config: r#"{"model_type":"deit","hidden_size":192,"intermediate_size":768,"num_hidden_layers":12,"num_attention_heads":3,"image_size":224,"patch_size":16,"num_labels":1000}"#, parameters: Some(5_717_800), source: "https://huggingface.co/facebook/deit-tiny-distilled-patch16-224/blob/main/config.json" },
    Model { key: "deit-small-distilled", name: "DeiT small distilled", config: r#"{"model_type":"deit","hidden_size":384,"intermediate_size":1536,"num_hidden_layers":12,"num_attention_heads":6,"image_size":224,"patch_size":16,"num_labels":1000}"#, parameters: Some(22_051_432), source: "https://huggingface.co/facebook/deit-small-distilled-patch16-224/blob/main/config.json" },
    Model { key: "deit-base-distilled", name: "DeiT base distilled", config: r#"{"model_type":"deit","hidden_size":768,"intermediate_size":3072,"num_hidden_layers":12,"num_attention_heads":12,"image_size":224,"patch_size":16,"num_labels":1000}"#, parameters: Some(86_569_192), source: "https://huggingface.co/facebook/deit-base-distilled-patch16-224/blob/main/config.json" },

    // distilbert
    Model { key: "distilbert-base", name: "DistilBERT base", config: r#"{"model_type":"distilbert","dim":768,"hidden_dim":3072,"n_layers":6,"n_heads":12,"vocab_size":30522,"max_position_embeddings":512}"#, parameters: Some(66_985_530), source: "https://huggingface.co/distilbert/distilbert-base-uncased/blob/main/config.json" },

    // electra
    // Discriminators, published with one output per token; counted with the head of a language model.
    Model { key: "electra-small", name: "ELECTRA small", config: r#"{"model_type":"electra","embedding_size":128,"hidden_size":256,"intermediate_size":1024,"num_hidden_layers":12,"num_attention_heads":4,"vocab_size":30522,"max_position_embeddings":512}"#, parameters: Some(13_546_682), source: "https://huggingface.co/google/electra-small-discriminator/blob/main/config.json" },
    Model { key: "electra-base", name: "ELECTRA base", config: r#"{"model_type":"electra","embedding_size":768,"hidden_size":768,"intermediate_size":3072,"num_hidden_layers":12,"num_attention_heads":12,"vocab_size":30522,"max_position_embeddings":512}"#, parameters: Some(109_514_298), source: "https://huggingface.co/google/electra-base-discriminator/blob/main/config.json" },
    Model { key: "electra-large", name: "ELECTRA large", config: r#"{"model_type":"electra","embedding_size":1024,"hidden_size":1024,"intermediate_size":4096,"num_hidden_layers":24,"num_attention_heads":16,"vocab_size":30522,"max_position_embeddings":512}"#, parameters: Some(335_174_458), source: "https://huggingface.co/google/electra-large-discriminator/blob/main/config.json" },

    // exaone4
    Model { key: "exaone-4.0-1.2b", name: "EXAONE 4.0 1.2B", config: r#"{"model_type":"exaone4","hidden_size":2048,"intermediate_size":4096,"num_hidden_layers":30,"num_attention_heads":32,"num_key_value_heads":8,"head_dim":64,"vocab_size":102400,"max_position_embeddings":65536,"sliding_window":null,"tie_word_embeddings":true}"#, parameters: Some(1_279_391_488), source: "https://huggingface.co/LGAI-EXAONE/EXAONE-4.0-1.2B/blob/main/config.json" },
    Model { key: "exaone-4.0-32b", name: "EXAONE 4.0 32B", config: r#"{"model_type":"exaone4","hidden_size":5120,"intermediate_size":27392,"num_hidden_layers":64,"num_attention_heads":40,"num_key_value_heads":8,"head_dim":128,"vocab_size":102400,"max_position_embeddings":131072,"sliding_window":4096,"sliding_window_pattern":4}"#, parameters: Some(32_003_216_384), source: "https://huggingface.co/LGAI-EXAONE/EXAONE-4.0-32B/blob/main/config.json" },

    // falcon
    // Both share the head's weights with the embedding, by default of the class.
    Model { key: "falcon-7b", name: "Falcon 7B", config: r#"{"model_type":"falcon","hidden_size":4544,"num_hidden_layers":32,"num_attention_heads":71,"multi_query":true,"parallel_attn":true,"vocab_size":65024,"max_position_embeddings":2048}"#, parameters: Some(6_921_720_704), source: "https://huggingface.co/tiiuae/falcon-7b/blob/main/config.json" },
    Model { key: "falcon-40b", name: "Falcon 40B", config: r#"{"model_type":"falcon","hidden_size":8192,"num_hidden_layers":60,"num_attention_heads":128,"num_kv_heads":8,"new_decoder_architecture":true,"vocab_size":65024,"max_position_embeddings":2048}"#, parameters: Some(41_303_293_952), source: "https://huggingface.co/tiiuae/falcon-40b/blob/main/config.json" },

    // gemma
    Model { key: "gemma-2b", name: "Gemma 2B", config: r#"{"model_type":"gemma","hidden_size":2048,"intermediate_size":16384,"num_hidden_layers":18,"num_attention_heads":8,"num_key_value_heads":1,"head_dim":256,"vocab_size":256000,"max_position_embeddings":8192}"#, parameters: Some(2_506_172_416), source: "https://github.com/google/gemma_pytorch/blob/03e657582d17cb5a8617ebf333c1c16f3694670e/gemma/config.py" },
    Model { key: "gemma-7b", name: "Gemma 7B", config: r#"{"model_type":"gemma","hidden_size":3072,"intermediate_size":24576,"num_hidden_layers":28,"num_attention_heads":16,"num_key_value_heads":16,"head_dim":256,"vocab_size":256000,"max_position_embeddings":8192}"#, parameters: Some(8_537_680_896), source: "https://github.com/google/gemma_pytorch/blob/03e657582d17cb5a8617ebf333c1c16f3694670e/gemma/config.py" },

    // gemma2
    Model { key: "gemma-2-2b", name: "Gemma 2 2B", config: r#"{"model_type":"gemma2","hidden_size":2304,"intermediate_size":9216,"num_hidden_layers":26,"num_attention_heads":8,"num_key_value_heads":4,"head_dim":256,"vocab_size":256000,"max_position_embeddings":8192,"sliding_window":4096}"#, parameters: Some(2_614_341_888), source: "https://github.com/Lightning-AI/litgpt/blob/0006c973aa7d6ace293e2a5fedaf1f8f804f960c/litgpt/config.py" },
    Model { key: "gemma-2-9b", name: "Gemma 2 9B", config: r#"{"model_type":"gemma2","hidden_size":3584,"intermediate_size":14336,"num_hidden_layers":42,"num_attention_heads":16,"num_key_value_heads":8,"head_dim":256,"vocab_size":256000,"max_position_embeddings":8192,"sliding_window":4096}"#, parameters: Some(9_241_705_984), source: "https://github.com/google/gemma_pytorch/blob/03e657582d17cb5a8617ebf333c1c16f3694670e/gemma/config.py" },
    Model { key: "gemma-2-27b", name: "Gemma 2 27B", config: r#"{"model_type":"gemma2","hidden_size":4608,"intermediate_size":36864,"num_hidden_layers":46,"num_attention_heads":32,"num_key_value_heads":16,"head_dim":128,"vocab_size":256000,"max_position_embeddings":8192,"sliding_window":4096}"#, parameters: Some(27_227_128_320), source: "https://github.com/google/gemma_pytorch/blob/03e657582d17cb5a8617ebf333c1c16f3694670e/gemma/config.py" },

    // gemma3_text
    // The larger ones read images too; these rows are their text part, with the vocabulary of the class.
    Model { key: "gemma-3-1b", name: "Gemma 3 1B", config: r#"{"model_type":"gemma3_text","hidden_size":1152,"intermediate_size":6912,"num_hidden_layers":26,"num_attention_heads":4,"num_key_value_heads":1,"head_dim":256,"vocab_size":262144,"max_position_embeddings":32768,"sliding_window":512}"#, parameters: Some(999_885_952), source: "https://github.com/Lightning-AI/litgpt/blob/0006c973aa7d6ace293e2a5fedaf1f8f804f960c/litgpt/config.py" },
    Model { key: "gemma-3-4b", name: "Gemma 3 4B, text", config: r#"{"model_type":"gemma3_text","hidden_size":2560,"intermediate_size":10240,"num_hidden_layers":34,"num_attention_heads":8,"num_key_value_heads":4,"head_dim":256,"vocab_size":262208,"max_position_embeddings":131072,"sliding_window":1024}"#, parameters: Some(3_880_263_168), source: "https://github.com/Lightning-AI/litgpt/blob/0006c973aa7d6ace293e2a5fedaf1f8f804f960c/litgpt/config.py" },
    Model { key: "gemma-3-12b", name: "Gemma 3 12B, text", config: r#"{"model_type":"gemma3_text","hidden_size":3840,"intermediate_size":15360,"num_hidden_layers":48,"num_attention_heads":16,"num_key_value_heads":8,"head_dim":256,"vocab_size":262208,"max_position_embeddings":131072,"sliding_window":1024}"#, parameters: Some(11_766_034_176), source: "https://github.com/Lightning-AI/litgpt/blob/0006c973aa7d6ace293e2a5fedaf1f8f804f960c/litgpt/config.py" },
    Model { key: "gemma-3-27b", name: "Gemma 3 27B, text", config: r#"{"model_type":"gemma3_text","hidden_size":5376,"intermediate_size":21504,"num_hidden_layers":62,"num_attention_heads":32,"num_key_value_heads":16,"head_dim":128,"vocab_size":262208,"max_position_embeddings":131072,"sliding_window":1024}"#, parameters: Some(27_009_346_304), source: "https://github.com/Lightning-AI/litgpt/blob/0006c973aa7d6ace293e2a5fedaf1f8f804f960c/litgpt/config.py" },

    // glm
    Model { key: "glm-4-9b-chat", name: "GLM-4 9B Chat", config: r#"{"model_type":"glm","hidden_size":4096,"intermediate_size":13696,"num_hidden_layers":40,"num_attention_heads":32,"num_key_value_heads":2,"head_dim":128,"attention_bias":true,"vocab_size":151552,"max_position_embeddings":131072}"#, parameters: Some(9_399_951_360), source: "https://huggingface.co/zai-org/glm-4-9b-chat-hf/blob/main/config.json" },

    // glm4_moe
    // Counted without the module that predicts one token more, which is published beside them and never built.
    Model { key: "glm-4.5-air", name: "GLM-4.5 Air", config: r#"{"model_type":"glm4_moe","hidden_size":4096,"intermediate_size":10944,"moe_intermediate_size":1408,"num_hidden_layers":46,"first_k_dense_replace":1,"num_attention_heads":96,"num_key_value_heads":8,"head_dim":128,"use_qk_norm":false,"n_routed_experts":128,"num_experts_per_tok":8,"n_shared_experts":1,"attention_bias":true,"vocab_size":151552,"max_position_embeddings":131072}"#, parameters: Some(106_852_245_504), source: "https://huggingface.co/zai-org/GLM-4.5-Air/blob/main/config.json" },
    Model { key: "glm-4.5", name: "GLM-4.5", config: r#"{"model_type":"glm4_moe","hidden_size":5120,"intermediate_size":12288,"moe_intermediate_size":1536,"num_hidden_layers":92,"first_k_dense_replace":3,"num_attention_heads":96,"num_key_value_heads":8,"head_dim":128,"use_qk_norm":true,"n_routed_experts":160,"num_experts_per_tok":8,"n_shared_experts":1,"attention_bias":true,"vocab_size":151552,"max_position_embeddings":131072}"#, parameters: Some(352_797_814_784), source: "https://huggingface.co/zai-org/GLM-4.5/blob/main/config.json" },

    // glm4_moe_lite
    // Counted likewise.
    Model { key: "glm-4.7-flash", name: "GLM-4.7-Flash", config: r#"{"model_type":"glm4_moe_lite","hidden_size":2048,"intermediate_size":10240,"moe_intermediate_size":1536,"num_hidden_layers":47,"first_k_dense_replace":1,"num_attention_heads":20,"q_lora_rank":768,"kv_lora_rank":512,"qk_nope_head_dim":192,"qk_rope_head_dim":64,"v_head_dim":256,"n_routed_experts":64,"num_experts_per_tok":4,"n_shared_experts":1,"n_group":1,"topk_group":1,"norm_topk_prob":true,"vocab_size":154880,"max_position_embeddings":202752}"#, parameters: Some(29_943_390_976), source: "https://huggingface.co/zai-org/GLM-4.7-Flash/blob/main/config.json" },

    // gpt2
    Model { key: "gpt2", name: "GPT-2", config: r#"{"model_type":"gpt2","n_embd":768,"n_layer":12,"n_head":12,"n_positions":1024,"vocab_size":50257}"#, parameters: Some(124_439_808), source: "https://huggingface.co/openai-community/gpt2/blob/main/config.json" },
    Model { key: "gpt2-medium", name: "GPT-2 Medium", config: r#"{"model_type":"gpt2","n_embd":1024,"n_layer":24,"n_head":16,"n_positions":1024,"vocab_size":50257}"#, parameters: Some(354_823_168), source: "https://huggingface.co/openai-community/gpt2-medium/blob/main/config.json" },
    Model { key: "gpt2-large", name: "GPT-2 Large", config: r#"{"model_type":"gpt2","n_embd":1280,"n_layer":36,"n_head":20,"n_positions":1024,"vocab_size":50257}"#, parameters: Some(774_030_080), source: "https://huggingface.co/openai-community/gpt2-large/blob/main/config.json" },
    Model { key: "gpt2-xl", name: "GPT-2 XL", config: r#"{"model_type":"gpt2","n_embd":1600,"n_layer":48,"n_head":25,"n_positions":1024,"vocab_size":50257}"#, parameters: Some(1_557_611_200), source: "https://huggingface.co/openai-community/gpt2-xl/blob/main/config.json" },
    // Width, layers, heads and context are the paper's, the vocabulary is GPT-2's. Only 175.0B is
    // published. Every other layer attends sparsely, which this class does not do; the weights are alike.
    Model { key: "gpt-3-175b", name: "GPT-3 175B", config: r#"{"model_type":"gpt2","n_embd":12288,"n_layer":96,"n_head":96,"n_positions":2048,"vocab_size":50257}"#, parameters: None, source: "https://arxiv.org/abs/2005.14165" },

    // gpt_neo
    Model { key: "gpt-neo-125m", name: "GPT-Neo 125M", config: r#"{"model_type":"gpt_neo","hidden_size":768,"num_layers":12,"num_heads":12,"vocab_size":50257,"max_position_embeddings":2048}"#, parameters: Some(125_198_592), source: "https://huggingface.co/EleutherAI/gpt-neo-125m/blob/main/config.json" },
    Model { key: "gpt-neo-1.3b", name: "GPT-Neo 1.3B", config: r#"{"model_type":"gpt_neo","hidden_size":2048,"num_layers":24,"num_heads":16,"vocab_size":50257,"max_position_embeddings":2048}"#, parameters: Some(1_315_575_808), source: "https://huggingface.co/EleutherAI/gpt-neo-1.3B/blob/main/config.json" },
    Model { key: "gpt-neo-2.7b", name: "GPT-Neo 2.7B", config: r#"{"model_type":"gpt_neo","hidden_size":2560,"num_layers":32,"num_heads":20,"vocab_size":50257,"max_position_embeddings":2048}"#, parameters: Some(2_651_307_520), source: "https://huggingface.co/EleutherAI/gpt-neo-2.7B/blob/main/config.json" },

    // gpt_neox
    Model { key: "pythia-70m", name: "Pythia 70M", config: r#"{"model_type":"gpt_neox","hidden_size":512,"intermediate_size":2048,"num_hidden_layers":6,"num_attention_heads":8,"vocab_size":50304,"max_position_embeddings":2048}"#, parameters: Some(70_426_624), source: "https://huggingface.co/EleutherAI/pythia-70m/blob/main/config.json" },
    Model { key: "pythia-160m", name: "Pythia 160M", config: r#"{"model_type":"gpt_neox","hidden_size":768,"intermediate_size":3072,"num_hidden_layers":12,"num_attention_heads":12,"vocab_size":50304,"max_position_embeddings":2048}"#, parameters: Some(162_322_944), source: "https://huggingface.co/EleutherAI/pythia-160m/blob/main/config.json" },
    Model { key: "pythia-410m", name: "Pythia 410M", config: r#"{"model_type":"gpt_neox","hidden_size":1024,"intermediate_size":4096,"num_hidden_layers":24,"num_attention_heads":16,"vocab_size":50304,"max_position_embeddings":2048}"#, parameters: Some(405_334_016), source: "https://huggingface.co/EleutherAI/pythia-410m/blob/main/config.json" },
    Model { key: "pythia-1b", name: "Pythia 1B", config: r#"{"model_type":"gpt_neox","hidden_size":2048,"intermediate_size":8192,"num_hidden_layers":16,"num_attention_heads":8,"vocab_size":50304,"max_position_embeddings":2048}"#, parameters: Some(1_011_781_632), source: "https://huggingface.co/EleutherAI/pythia-1b/blob/main/config.json" },
    Model { key: "pythia-1.4b", name: "Pythia 1.4B", config: r#"{"model_type":"gpt_neox","hidden_size":2048,"intermediate_size":8192,"num_hidden_layers":24,"num_attention_heads":16,"vocab_size":50304,"max_position_embeddings":2048}"#, parameters: Some(1_414_647_808), source: "https://huggingface.co/EleutherAI/pythia-1.4b/blob/main/config.json" },
    Model { key: "pythia-2.8b", name: "Pythia 2.8B", config: r#"{"model_type":"gpt_neox","hidden_size":2560,"intermediate_size":10240,"num_hidden_layers":32,"num_attention_heads":32,"vocab_size":50304,"max_position_embeddings":2048}"#, parameters: Some(2_775_208_960), source: "https://huggingface.co/EleutherAI/pythia-2.8b/blob/main/config.json" },
    Model { key: "pythia-6.9b", name: "Pythia 6.9B", config: r#"{"model_type":"gpt_neox","hidden_size":4096,"intermediate_size":16384,"num_hidden_layers":32,"num_attention_heads":32,"vocab_size":50432,"max_position_embeddings":2048}"#, parameters: Some(6_857_302_016), source: "https://huggingface.co/EleutherAI/pythia-6.9b/blob/main/config.json" },
    Model { key: "pythia-12b", name: "Pythia 12B", config: r#"{"model_type":"gpt_neox","hidden_size":5120,"intermediate_size":20480,"num_hidden_layers":36,"num_attention_heads":40,"vocab_size":50688,"max_position_embeddings":2048}"#, parameters: Some(11_846_072_320), source: "https://huggingface.co/EleutherAI/pythia-12b/blob/main/config.json" },
    Model { key: "gpt-neox-20b", name: "GPT-NeoX 20B", config: r#"{"model_type":"gpt_neox","hidden_size":6144,"intermediate_size":24576,"num_hidden_layers":44,"num_attention_heads":64,"vocab_size":50432,"max_position_embeddings":2048}"#, parameters: Some(20_554_567_680), source: "https://huggingface.co/EleutherAI/gpt-neox-20b/blob/main/config.json" },

    // gpt_oss
    // Counted in the type of the run: the files hold the experts in MXFP4.
    Model { key: "gpt-oss-20b", name: "gpt-oss 20B", config: r#"{"model_type":"gpt_oss","hidden_size":2880,"intermediate_size":2880,"num_hidden_layers":24,"num_attention_heads":64,"num_key_value_heads":8,"head_dim":64,"vocab_size":201088,"max_position_embeddings":131072,"num_local_experts":32,"num_experts_per_tok":4,"sliding_window":128}"#, parameters: Some(20_914_757_184), source: "https://huggingface.co/openai/gpt-oss-20b/blob/main/config.json" },
    Model { key: "gpt-oss-120b", name: "gpt-oss 120B", config: r#"{"model_type":"gpt_oss","hidden_size":2880,"intermediate_size":2880,"num_hidden_layers":36,"num_attention_heads":64,"num_key_value_heads":8,"head_dim":64,"vocab_size":201088,"max_position_embeddings":131072,"num_local_experts":128,"num_experts_per_tok":4,"sliding_window":128}"#, parameters: Some(116_829_156_672), source: "https://huggingface.co/openai/gpt-oss-120b/blob/main/config.json" },

    // gptj
    Model { key: "gpt-j-6b", name: "GPT-J 6B", config: r#"{"model_type":"gptj","n_embd":4096,"n_layer":28,"n_head":16,"rotary_dim":64,"n_positions":2048,"vocab_size":50400}"#, parameters: Some(6_050_882_784), source: "https://huggingface.co/EleutherAI/gpt-j-6b/blob/main/config.json" },

    // granite
    Model { key: "granite-3.3-2b", name: "Granite 3.3 2B", config: r#"{"model_type":"granite","hidden_size":2048,"intermediate_size":8192,"num_hidden_layers":40,"num_attention_heads":32,"num_key_value_heads":8,"vocab_size":49159,"max_position_embeddings":131072,"tie_word_embeddings":true}"#, parameters: Some(2_533_539_840), source: "https://huggingface.co/ibm-granite/granite-3.3-2b-instruct/blob/main/config.json" },
    Model { key: "granite-3.3-8b", name: "Granite 3.3 8B", config: r#"{"model_type":"granite","hidden_size":4096,"intermediate_size":12800,"num_hidden_layers":40,"num_attention_heads":32,"num_key_value_heads":8,"vocab_size":49159,"max_position_embeddings":131072,"tie_word_embeddings":true}"#, parameters: Some(8_170_864_640), source: "https://huggingface.co/ibm-granite/granite-3.3-8b-instruct/blob/main/config.json" },

    // llama
    Model { key: "smollm2-135m", name: "SmolLM2 135M", config: r#"{"model_type":"llama","hidden_size":576,"intermediate_size":1536,"num_hidden_layers":30,"num_attention_heads":9,"num_key_value_heads":3,"vocab_size":49152,"max_position_embeddings":8192,"tie_word_embeddings":true}"#, parameters: Some(134_515_008), source: "https://huggingface.co/HuggingFaceTB/SmolLM2-135M/blob/main/config.json" },
    Model { key: "smollm2-360m", name: "SmolLM2 360M", config: r#"{"model_type":"llama","hidden_size":960,"intermediate_size":2560,"num_hidden_layers":32,"num_attention_heads":15,"num_key_value_heads":5,"vocab_size":49152,"max_position_embeddings":8192,"tie_word_embeddings":true}"#, parameters: Some(361_821_120), source: "https://huggingface.co/HuggingFaceTB/SmolLM2-360M/blob/main/config.json" },
    Model { key: "tinyllama-1.1b", name: "TinyLlama 1.1B", config: r#"{"model_type":"llama","hidden_size":2048,"intermediate_size":5632,"num_hidden_layers":22,"num_attention_heads":32,"num_key_value_heads":4,"vocab_size":32000,"max_position_embeddings":2048,"tie_word_embeddings":false}"#, parameters: Some(1_100_048_384), source: "https://huggingface.co/TinyLlama/TinyLlama-1.1B-Chat-v1.0/blob/main/config.json" },
    Model { key: "llama-3.2-1b", name: "Llama 3.2 1B", config: r#"{"model_type":"llama","hidden_size":2048,"intermediate_size":8192,"num_hidden_layers":16,"num_attention_heads":32,"num_key_value_heads":8,"head_dim":64,"vocab_size":128256,"max_position_embeddings":131072,"tie_word_embeddings":true}"#, parameters: Some(1_235_814_400), source: "https://github.com/Lightning-AI/litgpt/blob/0006c973aa7d6ace293e2a5fedaf1f8f804f960c/litgpt/config.py" },
    Model { key: "smollm2-1.7b", name: "SmolLM2 1.7B", config: r#"{"model_type":"llama","hidden_size":2048,"intermediate_size":8192,"num_hidden_layers":24,"num_attention_heads":32,"num_key_value_heads":32,"vocab_size":49152,"max_position_embeddings":8192,"tie_word_embeddings":true}"#, parameters: Some(1_711_376_384), source: "https://huggingface.co/HuggingFaceTB/SmolLM2-1.7B/blob/main/config.json" },
    Model { key: "llama-3.2-3b", name: "Llama 3.2 3B", config: r#"{"model_type":"llama","hidden_size":3072,"intermediate_size":8192,"num_hidden_layers":28,"num_attention_heads":24,"num_key_value_heads":8,"head_dim":128,"vocab_size":128256,"max_position_embeddings":131072,"tie_word_embeddings":true}"#, parameters: Some(3_212_749_824), source: "https://github.com/Lightning-AI/litgpt/blob/0006c973aa7d6ace293e2a5fedaf1f8f804f960c/litgpt/config.py" },
    Model { key: "llama-2-7b", name: "Llama 2 7B", config: r#"{"model_type":"llama","hidden_size":4096,"intermediate_size":11008,"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":32,"vocab_size":32000,"max_position_embeddings":4096,"tie_word_embeddings":false}"#, parameters: Some(6_738_415_616), source: "https://github.com/Lightning-AI/litgpt/blob/0006c973aa7d6ace293e2a5fedaf1f8f804f960c/litgpt/config.py" },
    Model { key: "llama-3-8b", name: "Llama 3 8B", config: r#"{"model_type":"llama","hidden_size":4096,"intermediate_size":14336,"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":8,"vocab_size":128256,"max_position_embeddings":8192,"tie_word_embeddings":false}"#, parameters: Some(8_030_261_248), source: "https://github.com/Lightning-AI/litgpt/blob/0006c973aa7d6ace293e2a5fedaf1f8f804f960c/litgpt/config.py" },
    Model { key: "llama-3.1-8b", name: "Llama 3.1 8B", config: r#"{"model_type":"llama","hidden_size":4096,"intermediate_size":14336,"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":8,"vocab_size":128256,"max_position_embeddings":131072,"tie_word_embeddings":false}"#, parameters: Some(8_030_261_248), source: "https://github.com/Lightning-AI/litgpt/blob/0006c973aa7d6ace293e2a5fedaf1f8f804f960c/litgpt/config.py" },
    Model { key: "llama-2-13b", name: "Llama 2 13B", config: r#"{"model_type":"llama","hidden_size":5120,"intermediate_size":13824,"num_hidden_layers":40,"num_attention_heads":40,"num_key_value_heads":40,"vocab_size":32000,"max_position_embeddings":4096,"tie_word_embeddings":false}"#, parameters: Some(13_015_864_320), source: "https://github.com/Lightning-AI/litgpt/blob/0006c973aa7d6ace293e2a5fedaf1f8f804f960c/litgpt/config.py" },
    Model { key: "llama-2-70b", name: "Llama 2 70B", config: r#"{"model_type":"llama","hidden_size":8192,"intermediate_size":28672,"num_hidden_layers":80,"num_attention_heads":64,"num_key_value_heads":8,"vocab_size":32000,"max_position_embeddings":4096,"tie_word_embeddings":false}"#, parameters: Some(68_976_648_192), source: "https://github.com/Lightning-AI/litgpt/blob/0006c973aa7d6ace293e2a5fedaf1f8f804f960c/litgpt/config.py" },
    Model { key: "llama-3-70b", name: "Llama 3 70B", config: r#"{"model_type":"llama","hidden_size":8192,"intermediate_size":28672,"num_hidden_layers":80,"num_attention_heads":64,"num_key_value_heads":8,"vocab_size":128256,"max_position_embeddings":8192,"tie_word_embeddings":false}"#, parameters: Some(70_553_706_496), source: "https://github.com/Lightning-AI/litgpt/blob/0006c973aa7d6ace293e2a5fedaf1f8f804f960c/litgpt/config.py" },
    Model { key: "llama-3.1-70b", name: "Llama 3.1 70B", config: r#"{"model_type":"llama","hidden_size":8192,"intermediate_size":28672,"num_hidden_layers":80,"num_attention_heads":64,"num_key_value_heads":8,"vocab_size":128256,"max_position_embeddings":131072,"tie_word_embeddings":false}"#, parameters: Some(70_553_706_496), source: "https://github.com/Lightning-AI/litgpt/blob/0006c973aa7d6ace293e2a5fedaf1f8f804f960c/litgpt/config.py" },
    Model { key: "llama-3.1-405b", name: "Llama 3.1 405B", config: r#"{"model_type":"llama","hidden_size":16384,"intermediate_size":53248,"num_hidden_layers":126,"num_attention_heads":128,"num_key_value_heads":8,"vocab_size":128256,"max_position_embeddings":131072,"tie_word_embeddings":false}"#, parameters: Some(405_853_388_800), source: "https://github.com/Lightning-AI/litgpt/blob/0006c973aa7d6ace293e2a5fedaf1f8f804f960c/litgpt/config.py" },

    // llama4_text
    // They read images too; these rows are their text part. TorchTitan's table is Meta's own.
    Model { key: "llama-4-scout", name: "Llama 4 Scout 17B 16E", config: r#"{"model_type":"llama4_text","hidden_size":5120,"intermediate_size":8192,"intermediate_size_mlp":16384,"num_hidden_layers":48,"interleave_moe_layer_step":1,"num_local_experts":16,"num_experts_per_tok":1,"num_attention_heads":40,"num_key_value_heads":8,"head_dim":128,"use_qk_norm":true,"no_rope_layer_interval":4,"attention_chunk_size":8192,"attn_temperature_tuning":true,"vocab_size":202048,"max_position_embeddings":10485760}"#, parameters: Some(107_769_861_120), source: "https://github.com/pytorch/torchtitan/blob/1b230bb885ff7f3bc1ca5973720a4a3c00a26615/torchtitan/models/llama4/__init__.py" },
    Model { key: "llama-4-maverick", name: "Llama 4 Maverick 17B 128E", config: r#"{"model_type":"llama4_text","hidden_size":5120,"intermediate_size":8192,"intermediate_size_mlp":16384,"num_hidden_layers":48,"interleave_moe_layer_step":2,"num_local_experts":128,"num_experts_per_tok":1,"num_attention_heads":40,"num_key_value_heads":8,"head_dim":128,"use_qk_norm":false,"no_rope_layer_interval":4,"attention_chunk_size":8192,"attn_temperature_tuning":true,"vocab_size":202048,"max_position_embeddings":1048576}"#, parameters: Some(400_711_848_960), source: "https://github.com/pytorch/torchtitan/blob/1b230bb885ff7f3bc1ca5973720a4a3c00a26615/torchtitan/models/llama4/__init__.py" },

    // minimax_m2
    // Counted likewise. transformers 5 turns whole heads, whatever the file's `rotary_dim` says.
    Model { key: "minimax-m2", name: "MiniMax-M2", config: r#"{"model_type":"minimax_m2","hidden_size":3072,"intermediate_size":1536,"num_hidden_layers":62,"num_attention_heads":48,"num_key_value_heads":8,"head_dim":128,"num_local_experts":256,"num_experts_per_tok":8,"vocab_size":200064,"max_position_embeddings":196608}"#, parameters: Some(228_689_748_992), source: "https://huggingface.co/MiniMaxAI/MiniMax-M2/blob/main/config.json" },

    // mistral
    Model { key: "mistral-7b-v0.1", name: "Mistral 7B v0.1", config: r#"{"model_type":"mistral","hidden_size":4096,"intermediate_size":14336,"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":8,"sliding_window":4096,"vocab_size":32000,"max_position_embeddings":32768,"tie_word_embeddings":false}"#, parameters: Some(7_241_732_096), source: "https://huggingface.co/mistralai/Mistral-7B-v0.1/blob/main/config.json" },
    Model { key: "mistral-7b-v0.3", name: "Mistral 7B v0.3", config: r#"{"model_type":"mistral","hidden_size":4096,"intermediate_size":14336,"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":8,"sliding_window":null,"vocab_size":32768,"max_position_embeddings":32768,"tie_word_embeddings":false}"#, parameters: Some(7_248_023_552), source: "https://huggingface.co/mistralai/Mistral-7B-v0.3/blob/main/config.json" },

    // mixtral
    Model { key: "mixtral-8x7b", name: "Mixtral 8x7B", config: r#"{"model_type":"mixtral","hidden_size":4096,"intermediate_size":14336,"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":8,"num_local_experts":8,"num_experts_per_tok":2,"vocab_size":32000,"max_position_embeddings":32768,"tie_word_embeddings":false}"#, parameters: Some(46_702_792_704), source: "https://huggingface.co/mistralai/Mixtral-8x7B-v0.1/blob/main/config.json" },
    // The base model has a vocabulary of 32,000.
    Model { key: "mixtral-8x22b-instruct", name: "Mixtral 8x22B Instruct", config: r#"{"model_type":"mixtral","hidden_size":6144,"intermediate_size":16384,"num_hidden_layers":56,"num_attention_heads":48,"num_key_value_heads":8,"num_local_experts":8,"num_experts_per_tok":2,"vocab_size":32768,"max_position_embeddings":65536,"tie_word_embeddings":false}"#, parameters: Some(140_630_071_296), source: "https://huggingface.co/mistralai/Mixtral-8x22B-Instruct-v0.1/blob/main/config.json" },

    // modernbert
    Model { key: "modernbert-base", name: "ModernBERT base", config: r#"{"model_type":"modernbert","hidden_size":768,"intermediate_size":1152,"num_hidden_layers":22,"num_attention_heads":12,"vocab_size":50368,"max_position_embeddings":8192,"local_attention":128,"global_attn_every_n_layers":3,"classifier_pooling":"mean"}"#, parameters: Some(149_655_232), source: "https://huggingface.co/answerdotai/ModernBERT-base/blob/main/config.json" },
    Model { key: "modernbert-large", name: "ModernBERT large", config: r#"{"model_type":"modernbert","hidden_size":1024,"intermediate_size":2624,"num_hidden_layers":28,"num_attention_heads":16,"vocab_size":50368,"max_position_embeddings":8192,"local_attention":128,"global_attn_every_n_layers":3,"classifier_pooling":"mean"}"#, parameters: Some(395_881_664), source: "https://huggingface.co/answerdotai/ModernBERT-large/blob/main/config.json" },

    // mpt
    Model { key: "mpt-7b", name: "MPT 7B", config: r#"{"model_type":"mpt","d_model":4096,"n_layers":32,"n_heads":32,"vocab_size":50432,"max_seq_len":2048}"#, parameters: Some(6_649_286_656), source: "https://huggingface.co/mosaicml/mpt-7b/blob/main/config.json" },
    Model { key: "mpt-30b", name: "MPT 30B", config: r#"{"model_type":"mpt","d_model":7168,"n_layers":48,"n_heads":64,"vocab_size":50432,"max_seq_len":8192}"#, parameters: Some(29_957_200_896), source: "https://huggingface.co/mosaicml/mpt-30b/blob/main/config.json" },

    // mt5
    Model { key: "mt5-small", name: "mT5 small", config: r#"{"model_type":"mt5","d_model":512,"d_kv":64,"d_ff":1024,"num_layers":8,"num_decoder_layers":8,"num_heads":6,"vocab_size":250112,"feed_forward_proj":"gated-gelu","separate_lm_head":true}"#, parameters: Some(300_176_768), source: "https://huggingface.co/google/mt5-small/blob/main/config.json" },
    Model { key: "mt5-base", name: "mT5 base", config: r#"{"model_type":"mt5","d_model":768,"d_kv":64,"d_ff":2048,"num_layers":12,"num_decoder_layers":12,"num_heads":12,"vocab_size":250112,"feed_forward_proj":"gated-gelu","separate_lm_head":true}"#, parameters: Some(582_401_280), source: "https://huggingface.co/google/mt5-base/blob/main/config.json" },
    Model { key: "mt5-large", name: "mT5 large", config: r#"{"model_type":"mt5","d_model":1024,"d_kv":64,"d_ff":2816,"num_layers":24,"num_decoder_layers":24,"num_heads":16,"vocab_size":250112,"feed_forward_proj":"gated-gelu","separate_lm_head":true}"#, parameters: Some(1_229_581_312), source: "https://huggingface.co/google/mt5-large/blob/main/config.json" },
    Model { key: "mt5-xl", name: "mT5 XL", config: r#"{"model_type":"mt5","d_model":2048,"d_kv":64,"d_ff":5120,"num_layers":24,"num_decoder_layers":24,"num_heads":32,"vocab_size":250112,"feed_forward_proj":"gated-gelu","separate_lm_head":true}"#, parameters: Some(3_742_619_648), source: "https://huggingface.co/google/mt5-xl/blob/main/config.json" },
    Model { key: "mt5-xxl", name: "mT5 XXL", config: r#"{"model_type":"mt5","d_model":4096,"d_kv":64,"d_ff":10240,"num_layers":24,"num_decoder_layers":24,"num_heads":64,"vocab_size":250112,"feed_forward_proj":"gated-gelu","separate_lm_head":true}"#, parameters: Some(12_921_057_280), source: "https://huggingface.co/google/mt5-xxl/blob/main/config.json" },

    // olmo
    Model { key: "olmo-1b", name: "OLMo 1B", config: r#"{"model_type":"olmo","hidden_size":2048,"intermediate_size":8192,"num_hidden_layers":16,"num_attention_heads":16,"num_key_value_heads":16,"vocab_size":50304,"max_position_embeddings":2048,"tie_word_embeddings":true}"#, parameters: Some(1_176_764_416), source: "https://huggingface.co/allenai/OLMo-1B-hf/blob/main/config.json" },
    Model { key: "olmo-7b", name: "OLMo 7B", config: r#"{"model_type":"olmo","hidden_size":4096,"intermediate_size":11008,"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":32,"vocab_size":50304,"max_position_embeddings":2048,"tie_word_embeddings":false}"#, parameters: Some(6_888_095_744), source: "https://huggingface.co/allenai/OLMo-7B-hf/blob/main/config.json" },

    // olmo2
    Model { key: "olmo-2-1b", name: "OLMo 2 1B", config: r#"{"model_type":"olmo2","hidden_size":2048,"intermediate_size":8192,"num_hidden_layers":16,"num_attention_heads":16,"num_key_value_heads":16,"vocab_size":100352,"max_position_embeddings":4096}"#, parameters: Some(1_484_916_736), source: "https://huggingface.co/allenai/OLMo-2-0425-1B/blob/main/config.json" },
    Model { key: "olmo-2-7b", name: "OLMo 2 7B", config: r#"{"model_type":"olmo2","hidden_size":4096,"intermediate_size":11008,"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":32,"vocab_size":100352,"max_position_embeddings":4096}"#, parameters: Some(7_298_617_344), source: "https://huggingface.co/allenai/OLMo-2-1124-7B/blob/main/config.json" },
    Model { key: "olmo-2-13b", name: "OLMo 2 13B", config: r#"{"model_type":"olmo2","hidden_size":5120,"intermediate_size":13824,"num_hidden_layers":40,"num_attention_heads":40,"num_key_value_heads":40,"vocab_size":100352,"max_position_embeddings":4096}"#, parameters: Some(13_716_198_400), source: "https://huggingface.co/allenai/OLMo-2-1124-13B/blob/main/config.json" },
    Model { key: "olmo-2-32b", name: "OLMo 2 32B", config: r#"{"model_type":"olmo2","hidden_size":5120,"intermediate_size":27648,"num_hidden_layers":64,"num_attention_heads":40,"num_key_value_heads":8,"vocab_size":100352,"max_position_embeddings":4096}"#, parameters: Some(32_234_279_936), source: "https://huggingface.co/allenai/OLMo-2-0325-32B/blob/main/config.json" },

    // olmoe
    Model { key: "olmoe-1b-7b", name: "OLMoE 1B 7B", config: r#"{"model_type":"olmoe","hidden_size":2048,"intermediate_size":1024,"num_hidden_layers":16,"num_attention_heads":16,"num_key_value_heads":16,"vocab_size":50304,"max_position_embeddings":4096,"num_experts":64,"num_experts_per_tok":8}"#, parameters: Some(6_919_161_856), source: "https://huggingface.co/allenai/OLMoE-1B-7B-0924/blob/main/config.json" },

    // opt
    Model { key: "opt-125m", name: "OPT 125M", config: r#"{"model_type":"opt","hidden_size":768,"ffn_dim":3072,"num_hidden_layers":12,"num_attention_heads":12,"word_embed_proj_dim":768,"vocab_size":50272,"max_position_embeddings":2048}"#, parameters: Some(125_239_296), source: "https://huggingface.co/facebook/opt-125m/blob/main/config.json" },
    // Embeds 512 wide, projects to 1,024 and normalises after each block, unlike its siblings.
    Model { key: "opt-350m", name: "OPT 350M", config: r#"{"model_type":"opt","hidden_size":1024,"ffn_dim":4096,"num_hidden_layers":24,"num_attention_heads":16,"word_embed_proj_dim":512,"do_layer_norm_before":false,"vocab_size":50272,"max_position_embeddings":2048}"#, parameters: Some(331_196_416), source: "https://huggingface.co/facebook/opt-350m/blob/main/config.json" },
    Model { key: "opt-1.3b", name: "OPT 1.3B", config: r#"{"model_type":"opt","hidden_size":2048,"ffn_dim":8192,"num_hidden_layers":24,"num_attention_heads":32,"word_embed_proj_dim":2048,"vocab_size":50272,"max_position_embeddings":2048}"#, parameters: Some(1_315_758_080), source: "https://huggingface.co/facebook/opt-1.3b/blob/main/config.json" },
    Model { key: "opt-2.7b", name: "OPT 2.7B", config: r#"{"model_type":"opt","hidden_size":2560,"ffn_dim":10240,"num_hidden_layers":32,"num_attention_heads":32,"word_embed_proj_dim":2560,"vocab_size":50272,"max_position_embeddings":2048}"#, parameters: Some(2_651_596_800), source: "https://huggingface.co/facebook/opt-2.7b/blob/main/config.json" },
    Model { key: "opt-6.7b", name: "OPT 6.7B", config: r#"{"model_type":"opt","hidden_size":4096,"ffn_dim":16384,"num_hidden_layers":32,"num_attention_heads":32,"word_embed_proj_dim":4096,"vocab_size":50272,"max_position_embeddings":2048}"#, parameters: Some(6_658_473_984), source: "https://huggingface.co/facebook/opt-6.7b/blob/main/config.json" },
    Model { key: "opt-13b", name: "OPT 13B", config: r#"{"model_type":"opt","hidden_size":5120,"ffn_dim":20480,"num_hidden_layers":40,"num_attention_heads":40,"word_embed_proj_dim":5120,"vocab_size":50272,"max_position_embeddings":2048}"#, parameters: Some(12_853_473_280), source: "https://huggingface.co/facebook/opt-13b/blob/main/config.json" },
    Model { key: "opt-30b", name: "OPT 30B", config: r#"{"model_type":"opt","hidden_size":7168,"ffn_dim":28672,"num_hidden_layers":48,"num_attention_heads":56,"word_embed_proj_dim":7168,"vocab_size":50272,"max_position_embeddings":2048}"#, parameters: Some(29_974_540_288), source: "https://huggingface.co/facebook/opt-30b/blob/main/config.json" },
    Model { key: "opt-66b", name: "OPT 66B", config: r#"{"model_type":"opt","hidden_size":9216,"ffn_dim":36864,"num_hidden_layers":64,"num_attention_heads":72,"word_embed_proj_dim":9216,"vocab_size":50272,"max_position_embeddings":2048}"#, parameters: Some(65_719_701_504), source: "https://huggingface.co/facebook/opt-66b/blob/main/config.json" },

    // phi
    Model { key: "phi-1.5", name: "Phi-1.5", config: r#"{"model_type":"phi","hidden_size":2048,"intermediate_size":8192,"num_hidden_layers":24,"num_attention_heads":32,"vocab_size":51200,"max_position_embeddings":2048}"#, parameters: Some(1_418_270_720), source: "https://huggingface.co/microsoft/phi-1_5/blob/main/config.json" },
    Model { key: "phi-2", name: "Phi-2", config: r#"{"model_type":"phi","hidden_size":2560,"intermediate_size":10240,"num_hidden_layers":32,"num_attention_heads":32,"vocab_size":51200,"max_position_embeddings":2048,"resid_pdrop":0.1}"#, parameters: Some(2_779_683_840), source: "https://huggingface.co/microsoft/phi-2/blob/main/config.json" },

    // phi3
    Model { key: "phi-3-mini-4k", name: "Phi-3 mini 4K", config: r#"{"model_type":"phi3","hidden_size":3072,"intermediate_size":8192,"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":32,"sliding_window":2047,"vocab_size":32064,"max_position_embeddings":4096,"tie_word_embeddings":false}"#, parameters: Some(3_821_079_552), source: "https://huggingface.co/microsoft/Phi-3-mini-4k-instruct/blob/main/config.json" },
    Model { key: "phi-3-medium-4k", name: "Phi-3 medium 4K", config: r#"{"model_type":"phi3","hidden_size":5120,"intermediate_size":17920,"num_hidden_layers":40,"num_attention_heads":40,"num_key_value_heads":10,"sliding_window":2047,"vocab_size":32064,"max_position_embeddings":4096,"tie_word_embeddings":false}"#, parameters: Some(13_960_238_080), source: "https://huggingface.co/microsoft/Phi-3-medium-4k-instruct/blob/main/config.json" },
    Model { key: "phi-4", name: "Phi-4", config: r#"{"model_type":"phi3","hidden_size":5120,"intermediate_size":17920,"num_hidden_layers":40,"num_attention_heads":40,"num_key_value_heads":10,"vocab_size":100352,"max_position_embeddings":16384,"tie_word_embeddings":false}"#, parameters: Some(14_659_507_200), source: "https://huggingface.co/microsoft/phi-4/blob/main/config.json" },

    // qwen2
    // The base models.
    Model { key: "qwen2.5-0.5b", name: "Qwen2.5 0.5B", config: r#"{"model_type":"qwen2","hidden_size":896,"intermediate_size":4864,"num_hidden_layers":24,"num_attention_heads":14,"num_key_value_heads":2,"vocab_size":151936,"max_position_embeddings":32768,"tie_word_embeddings":true}"#, parameters: Some(494_032_768), source: "https://huggingface.co/Qwen/Qwen2.5-0.5B/blob/main/config.json" },
    Model { key: "qwen2.5-1.5b", name: "Qwen2.5 1.5B", config: r#"{"model_type":"qwen2","hidden_size":1536,"intermediate_size":8960,"num_hidden_layers":28,"num_attention_heads":12,"num_key_value_heads":2,"vocab_size":151936,"max_position_embeddings":131072,"tie_word_embeddings":true}"#, parameters: Some(1_543_714_304), source: "https://huggingface.co/Qwen/Qwen2.5-1.5B/blob/main/config.json" },
    Model { key: "qwen2.5-3b", name: "Qwen2.5 3B", config: r#"{"model_type":"qwen2","hidden_size":2048,"intermediate_size":11008,"num_hidden_layers":36,"num_attention_heads":16,"num_key_value_heads":2,"vocab_size":151936,"max_position_embeddings":32768,"tie_word_embeddings":true}"#, parameters: Some(3_085_938_688), source: "https://huggingface.co/Qwen/Qwen2.5-3B/blob/main/config.json" },
    Model { key: "qwen2.5-7b", name: "Qwen2.5 7B", config: r#"{"model_type":"qwen2","hidden_size":3584,"intermediate_size":18944,"num_hidden_layers":28,"num_attention_heads":28,"num_key_value_heads":4,"vocab_size":152064,"max_position_embeddings":131072,"tie_word_embeddings":false}"#, parameters: Some(7_615_616_512), source: "https://huggingface.co/Qwen/Qwen2.5-7B/blob/main/config.json" },
    Model { key: "qwen2.5-14b", name: "Qwen2.5 14B", config: r#"{"model_type":"qwen2","hidden_size":5120,"intermediate_size":13824,"num_hidden_layers":48,"num_attention_heads":40,"num_key_value_heads":8,"vocab_size":152064,"max_position_embeddings":131072,"tie_word_embeddings":false}"#, parameters: Some(14_770_033_664), source: "https://huggingface.co/Qwen/Qwen2.5-14B/blob/main/config.json" },
    Model { key: "qwen2.5-32b", name: "Qwen2.5 32B", config: r#"{"model_type":"qwen2","hidden_size":5120,"intermediate_size":27648,"num_hidden_layers":64,"num_attention_heads":40,"num_key_value_heads":8,"vocab_size":152064,"max_position_embeddings":131072,"tie_word_embeddings":false}"#, parameters: Some(32_763_876_352), source: "https://huggingface.co/Qwen/Qwen2.5-32B/blob/main/config.json" },
    Model { key: "qwen2.5-72b", name: "Qwen2.5 72B", config: r#"{"model_type":"qwen2","hidden_size":8192,"intermediate_size":29568,"num_hidden_layers":80,"num_attention_heads":64,"num_key_value_heads":8,"vocab_size":152064,"max_position_embeddings":131072,"tie_word_embeddings":false}"#, parameters: Some(72_706_203_648), source: "https://huggingface.co/Qwen/Qwen2.5-72B/blob/main/config.json" },

    // qwen2_moe
    Model { key: "qwen1.5-moe-a2.7b", name: "Qwen1.5 MoE A2.7B", config: r#"{"model_type":"qwen2_moe","hidden_size":2048,"intermediate_size":5632,"moe_intermediate_size":1408,"shared_expert_intermediate_size":5632,"num_hidden_layers":24,"num_attention_heads":16,"num_key_value_heads":16,"num_experts":60,"num_experts_per_tok":4,"vocab_size":151936,"max_position_embeddings":8192,"tie_word_embeddings":false}"#, parameters: Some(14_315_784_192), source: "https://huggingface.co/Qwen/Qwen1.5-MoE-A2.7B/blob/main/config.json" },

    // qwen3
    Model { key: "qwen3-0.6b", name: "Qwen3 0.6B", config: r#"{"model_type":"qwen3","hidden_size":1024,"intermediate_size":3072,"num_hidden_layers":28,"num_attention_heads":16,"num_key_value_heads":8,"head_dim":128,"vocab_size":151936,"max_position_embeddings":40960,"tie_word_embeddings":true}"#, parameters: Some(596_049_920), source: "https://huggingface.co/Qwen/Qwen3-0.6B/blob/main/config.json" },
    Model { key: "qwen3-1.7b", name: "Qwen3 1.7B", config: r#"{"model_type":"qwen3","hidden_size":2048,"intermediate_size":6144,"num_hidden_layers":28,"num_attention_heads":16,"num_key_value_heads":8,"head_dim":128,"vocab_size":151936,"max_position_embeddings":40960,"tie_word_embeddings":true}"#, parameters: Some(1_720_574_976), source: "https://huggingface.co/Qwen/Qwen3-1.7B/blob/main/config.json" },
    Model { key: "qwen3-4b", name: "Qwen3 4B", config: r#"{"model_type":"qwen3","hidden_size":2560,"intermediate_size":9728,"num_hidden_layers":36,"num_attention_heads":32,"num_key_value_heads":8,"head_dim":128,"vocab_size":151936,"max_position_embeddings":40960,"tie_word_embeddings":true}"#, parameters: Some(4_022_468_096), source: "https://huggingface.co/Qwen/Qwen3-4B/blob/main/config.json" },
    Model { key: "qwen3-8b", name: "Qwen3 8B", config: r#"{"model_type":"qwen3","hidden_size":4096,"intermediate_size":12288,"num_hidden_layers":36,"num_attention_heads":32,"num_key_value_heads":8,"head_dim":128,"vocab_size":151936,"max_position_embeddings":40960,"tie_word_embeddings":false}"#, parameters: Some(8_190_735_360), source: "https://huggingface.co/Qwen/Qwen3-8B/blob/main/config.json" },
    Model { key: "qwen3-14b", name: "Qwen3 14B", config: r#"{"model_type":"qwen3","hidden_size":5120,"intermediate_size":17408,"num_hidden_layers":40,"num_attention_heads":40,"num_key_value_heads":8,"head_dim":128,"vocab_size":151936,"max_position_embeddings":40960,"tie_word_embeddings":false}"#, parameters: Some(14_768_307_200), source: "https://huggingface.co/Qwen/Qwen3-14B/blob/main/config.json" },
    Model { key: "qwen3-32b", name: "Qwen3 32B", config: r#"{"model_type":"qwen3","hidden_size":5120,"intermediate_size":25600,"num_hidden_layers":64,"num_attention_heads":64,"num_key_value_heads":8,"head_dim":128,"vocab_size":151936,"max_position_embeddings":40960,"tie_word_embeddings":false}"#, parameters: Some(32_762_123_264), source: "https://huggingface.co/Qwen/Qwen3-32B/blob/main/config.json" },

    // qwen3_moe
    Model { key: "qwen3-30b-a3b", name: "Qwen3 30B A3B", config: r#"{"model_type":"qwen3_moe","hidden_size":2048,"intermediate_size":6144,"num_hidden_layers":48,"num_attention_heads":32,"num_key_value_heads":4,"head_dim":128,"vocab_size":151936,"max_position_embeddings":40960,"num_experts":128,"num_experts_per_tok":8,"moe_intermediate_size":768,"norm_topk_prob":true}"#, parameters: Some(30_532_122_624), source: "https://huggingface.co/Qwen/Qwen3-30B-A3B/blob/main/config.json" },
    Model { key: "qwen3-235b-a22b", name: "Qwen3 235B A22B", config: r#"{"model_type":"qwen3_moe","hidden_size":4096,"intermediate_size":12288,"num_hidden_layers":94,"num_attention_heads":64,"num_key_value_heads":4,"head_dim":128,"vocab_size":151936,"max_position_embeddings":40960,"num_experts":128,"num_experts_per_tok":8,"moe_intermediate_size":1536,"norm_topk_prob":true}"#, parameters: Some(235_093_634_560), source: "https://huggingface.co/Qwen/Qwen3-235B-A22B/blob/main/config.json" },

    // roberta
    Model { key: "roberta-base", name: "RoBERTa base", config: r#"{"model_type":"roberta","hidden_size":768,"intermediate_size":3072,"num_hidden_layers":12,"num_attention_heads":12,"vocab_size":50265,"max_position_embeddings":514,"type_vocab_size":1}"#, parameters: Some(124_697_433), source: "https://huggingface.co/FacebookAI/roberta-base/blob/main/config.json" },
    Model { key: "roberta-large", name: "RoBERTa large", config: r#"{"model_type":"roberta","hidden_size":1024,"intermediate_size":4096,"num_hidden_layers":24,"num_attention_heads":16,"vocab_size":50265,"max_position_embeddings":514,"type_vocab_size":1}"#, parameters: Some(355_412_057), source: "https://huggingface.co/FacebookAI/roberta-large/blob/main/config.json" },

    // seed_oss
    Model { key: "seed-oss-36b", name: "Seed-OSS 36B", config: r#"{"model_type":"seed_oss","hidden_size":5120,"intermediate_size":27648,"num_hidden_layers":64,"num_attention_heads":80,"num_key_value_heads":8,"head_dim":128,"attention_bias":true,"attention_dropout":0.1,"residual_dropout":0.1,"vocab_size":155136,"max_position_embeddings":524288}"#, parameters: Some(36_151_104_512), source: "https://huggingface.co/ByteDance-Seed/Seed-OSS-36B-Base/blob/main/config.json" },

    // smollm3
    Model { key: "smollm3-3b", name: "SmolLM3 3B", config: r#"{"model_type":"smollm3","hidden_size":2048,"intermediate_size":11008,"num_hidden_layers":36,"num_attention_heads":16,"num_key_value_heads":4,"vocab_size":128256,"max_position_embeddings":65536,"tie_word_embeddings":true}"#, parameters: Some(3_075_098_624), source: "https://huggingface.co/HuggingFaceTB/SmolLM3-3B/blob/main/config.json" },

    // stablelm
    Model { key: "stablelm-2-1.6b", name: "StableLM 2 1.6B", config: r#"{"model_type":"stablelm","hidden_size":2048,"intermediate_size":5632,"num_hidden_layers":24,"num_attention_heads":32,"num_key_value_heads":32,"use_qkv_bias":true,"vocab_size":100352,"max_position_embeddings":4096,"tie_word_embeddings":false}"#, parameters: Some(1_644_515_328), source: "https://huggingface.co/stabilityai/stablelm-2-1_6b/blob/main/config.json" },
    Model { key: "stablelm-3b-4e1t", name: "StableLM 3B 4E1T", config: r#"{"model_type":"stablelm","hidden_size":2560,"intermediate_size":6912,"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":32,"vocab_size":50304,"max_position_embeddings":4096,"tie_word_embeddings":false}"#, parameters: Some(2_795_443_200), source: "https://huggingface.co/stabilityai/stablelm-3b-4e1t/blob/main/config.json" },
    Model { key: "stablelm-2-12b", name: "StableLM 2 12B", config: r#"{"model_type":"stablelm","hidden_size":5120,"intermediate_size":13824,"num_hidden_layers":40,"num_attention_heads":32,"num_key_value_heads":8,"qk_layernorm":true,"use_parallel_residual":true,"vocab_size":100352,"max_position_embeddings":4096,"tie_word_embeddings":false}"#, parameters: Some(12_143_185_920), source: "https://huggingface.co/stabilityai/stablelm-2-12b/blob/main/config.json" },

    // starcoder2
    Model { key: "starcoder2-3b", name: "StarCoder2 3B", config: r#"{"model_type":"starcoder2","hidden_size":3072,"intermediate_size":12288,"num_hidden_layers":30,"num_attention_heads":24,"num_key_value_heads":2,"sliding_window":4096,"attention_dropout":0.1,"residual_dropout":0.1,"embedding_dropout":0.1,"vocab_size":49152,"max_position_embeddings":16384,"tie_word_embeddings":true}"#, parameters: Some(3_030_371_328), source: "https://huggingface.co/bigcode/starcoder2-3b/blob/main/config.json" },
    Model { key: "starcoder2-7b", name: "StarCoder2 7B", config: r#"{"model_type":"starcoder2","hidden_size":4608,"intermediate_size":18432,"num_hidden_layers":32,"num_attention_heads":36,"num_key_value_heads":4,"sliding_window":4096,"attention_dropout":0.1,"residual_dropout":0.1,"embedding_dropout":0.1,"vocab_size":49152,"max_position_embeddings":16384,"tie_word_embeddings":true}"#, parameters: Some(7_173_923_840), source: "https://huggingface.co/bigcode/starcoder2-7b/blob/main/config.json" },
    Model { key: "starcoder2-15b", name: "StarCoder2 15B", config: r#"{"model_type":"starcoder2","hidden_size":6144,"intermediate_size":24576,"num_hidden_layers":40,"num_attention_heads":48,"num_key_value_heads":4,"sliding_window":4096,"attention_dropout":0.1,"residual_dropout":0.1,"embedding_dropout":0.1,"vocab_size":49152,"max_position_embeddings":16384,"tie_word_embeddings":false}"#, parameters: Some(15_957_889_024), source: "https://huggingface.co/bigcode/starcoder2-15b/blob/main/config.json" },

    // t5
    // The head shares the embedding's weights, but in FLAN-T5, whose weights hold one apart.
    Model { key: "t5-small", name: "T5 small", config: r#"{"model_type":"t5","d_model":512,"d_kv":64,"d_ff":2048,"num_layers":6,"num_decoder_layers":6,"num_heads":8,"vocab_size":32128}"#, parameters: Some(60_506_624), source: "https://huggingface.co/google-t5/t5-small/blob/main/config.json" },
    Model { key: "flan-t5-small", name: "FLAN-T5 small", config: r#"{"model_type":"t5","d_model":512,"d_kv":64,"d_ff":1024,"num_layers":8,"num_decoder_layers":8,"num_heads":6,"vocab_size":32128,"feed_forward_proj":"gated-gelu","tie_word_embeddings":false,"separate_lm_head":true}"#, parameters: Some(76_961_152), source: "https://huggingface.co/google/flan-t5-small/blob/main/config.json" },
    Model { key: "t5-base", name: "T5 base", config: r#"{"model_type":"t5","d_model":768,"d_kv":64,"d_ff":3072,"num_layers":12,"num_decoder_layers":12,"num_heads":12,"vocab_size":32128}"#, parameters: Some(222_903_552), source: "https://huggingface.co/google-t5/t5-base/blob/main/config.json" },
    Model { key: "flan-t5-base", name: "FLAN-T5 base", config: r#"{"model_type":"t5","d_model":768,"d_kv":64,"d_ff":2048,"num_layers":12,"num_decoder_layers":12,"num_heads":12,"vocab_size":32128,"feed_forward_proj":"gated-gelu","tie_word_embeddings":false,"separate_lm_head":true}"#, parameters: Some(247_577_856), source: "https://huggingface.co/google/flan-t5-base/blob/main/config.json" },
    Model { key: "t5-large", name: "T5 large", config: r#"{"model_type":"t5","d_model":1024,"d_kv":64,"d_ff":4096,"num_layers":24,"num_decoder_layers":24,"num_heads":16,"vocab_size":32128}"#, parameters: Some(737_668_096), source: "https://huggingface.co/google-t5/t5-large/blob/main/config.json" },
    Model { key: "flan-t5-large", name: "FLAN-T5 large", config: r#"{"model_type":"t5","d_model":1024,"d_kv":64,"d_ff":2816,"num_layers":24,"num_decoder_layers":24,"num_heads":16,"vocab_size":32128,"feed_forward_proj":"gated-gelu","tie_word_embeddings":false,"separate_lm_head":true}"#, parameters: Some(783_150_080), source: "https://huggingface.co/google/flan-t5-large/blob/main/config.json" },
    Model { key: "flan-t5-xl", name: "FLAN-T5 XL", config: r#"{"model_type":"t5","d_model":2048,"d_kv":64,"d_ff":5120,"num_layers":24,"num_decoder_layers":24,"num_heads":32,"vocab_size":32128,"feed_forward_proj":"gated-gelu","tie_word_embeddings":false,"separate_lm_head":true}"#, parameters: Some(2_849_757_184), source: "https://huggingface.co/google/flan-t5-xl/blob/main/config.json" },
    Model { key: "t5-3b", name: "T5 3B", config: r#"{"model_type":"t5","d_model":1024,"d_kv":128,"d_ff":16384,"num_layers":24,"num_decoder_layers":24,"num_heads":32,"vocab_size":32128}"#, parameters: Some(2_851_598_336), source: "https://huggingface.co/google-t5/t5-3b/blob/main/config.json" },
    Model { key: "flan-t5-xxl", name: "FLAN-T5 XXL", config: r#"{"model_type":"t5","d_model":4096,"d_kv":64,"d_ff":10240,"num_layers":24,"num_decoder_layers":24,"num_heads":64,"vocab_size":32128,"feed_forward_proj":"gated-gelu","tie_word_embeddings":false,"separate_lm_head":true}"#, parameters: Some(11_135_332_352), source: "https://huggingface.co/google/flan-t5-xxl/blob/main/config.json" },
    Model { key: "t5-11b", name: "T5 11B", config: r#"{"model_type":"t5","d_model":1024,"d_kv":128,"d_ff":65536,"num_layers":24,"num_decoder_layers":24,"num_heads":128,"vocab_size":32128}"#, parameters: Some(11_307_321_344), source: "https://huggingface.co/google-t5/t5-11b/blob/main/config.json" },

    // timm_beit
    Model { key: "beit-base", name: "BEiT base", config: r#"{"model_type":"timm_beit","hidden_size":768,"intermediate_size":3072,"num_hidden_layers":12,"num_attention_heads":12,"image_size":224,"patch_size":16}"#, parameters: Some(86_530_984), source: "https://github.com/huggingface/pytorch-image-models/blob/v1.0.31/timm/models/beit.py" },
    Model { key: "beit-base-384", name: "BEiT base 384", config: r#"{"model_type":"timm_beit","hidden_size":768,"intermediate_size":3072,"num_hidden_layers":12,"num_attention_heads":12,"image_size":384,"patch_size":16}"#, parameters: Some(86_744_104), source: "https://github.com/huggingface/pytorch-image-models/blob/v1.0.31/timm/models/beit.py" },
    Model { key: "beit-large", name: "BEiT large", config: r#"{"model_type":"timm_beit","hidden_size":1024,"intermediate_size":4096,"num_hidden_layers":24,"num_attention_heads":16,"image_size":224,"patch_size":16}"#, parameters: Some(304_430_568), source: "https://github.com/huggingface/pytorch-image-models/blob/v1.0.31/timm/models/beit.py" },
    Model { key: "beit-large-384", name: "BEiT large 384", config: r#"{"model_type":"timm_beit","hidden_size":1024,"intermediate_size":4096,"num_hidden_layers":24,"num_attention_heads":16,"image_size":384,"patch_size":16}"#, parameters: Some(304_998_888), source: "https://github.com/huggingface/pytorch-image-models/blob/v1.0.31/timm/models/beit.py" },
    Model { key: "beit-large-512", name: "BEiT large 512", config: r#"{"model_type":"timm_beit","hidden_size":1024,"intermediate_size":4096,"num_hidden_layers":24,"num_attention_heads":16,"image_size":512,"patch_size":16}"#, parameters: Some(305_674_728), source: "https://github.com/huggingface/pytorch-image-models/blob/v1.0.31/timm/models/beit.py" },

    // timm_eva
    Model { key: "eva-02-tiny", name: "EVA-02 tiny", config: r#"{"model_type":"timm_eva","hidden_size":192,"intermediate_size":512,"num_hidden_layers":12,"num_attention_heads":3,"image_size":336,"patch_size":14}"#, parameters: Some(5_756_584), source: "https://github.com/huggingface/pytorch-image-models/blob/v1.0.31/timm/models/eva.py" },
    Model { key: "eva-02-small", name: "EVA-02 small", config: r#"{"model_type":"timm_eva","hidden_size":384,"intermediate_size":1024,"num_hidden_layers":12,"num_attention_heads":6,"image_size":336,"patch_size":14}"#, parameters: Some(22_129_000), source: "https://github.com/huggingface/pytorch-image-models/blob/v1.0.31/timm/models/eva.py" },
    Model { key: "eva-02-base", name: "EVA-02 base", config: r#"{"model_type":"timm_eva","hidden_size":768,"intermediate_size":2048,"num_hidden_layers":12,"num_attention_heads":12,"image_size":448,"patch_size":14,"scale_mlp":true}"#, parameters: Some(87_117_544), source: "https://github.com/huggingface/pytorch-image-models/blob/v1.0.31/timm/models/eva.py" },
    Model { key: "eva-02-large", name: "EVA-02 large", config: r#"{"model_type":"timm_eva","hidden_size":1024,"intermediate_size":2730,"num_hidden_layers":24,"num_attention_heads":16,"image_size":448,"patch_size":14,"scale_mlp":true}"#, parameters: Some(305_080_232), source: "https://github.com/huggingface/pytorch-image-models/blob/v1.0.31/timm/models/eva.py" },

    // timm_mixer
    Model { key: "mixer-s-16", name: "MLP-Mixer S/16", config: r#"{"model_type":"timm_mixer","hidden_size":512,"tokens_mlp_dim":256,"channels_mlp_dim":2048,"num_hidden_layers":8,"patch_size":16}"#, parameters: Some(18_528_264), source: "https://github.com/huggingface/pytorch-image-models/blob/v1.0.31/timm/models/mlp_mixer.py" },
    Model { key: "mixer-s-32", name: "MLP-Mixer S/32", config: r#"{"model_type":"timm_mixer","hidden_size":512,"tokens_mlp_dim":256,"channels_mlp_dim":2048,"num_hidden_layers":8,"patch_size":32}"#, parameters: Some(19_104_624), source: "https://github.com/huggingface/pytorch-image-models/blob/v1.0.31/timm/models/mlp_mixer.py" },
    Model { key: "mixer-b-16", name: "MLP-Mixer B/16", config: r#"{"model_type":"timm_mixer","hidden_size":768,"tokens_mlp_dim":384,"channels_mlp_dim":3072,"num_hidden_layers":12,"patch_size":16}"#, parameters: Some(59_880_472), source: "https://github.com/huggingface/pytorch-image-models/blob/v1.0.31/timm/models/mlp_mixer.py" },
    Model { key: "mixer-b-32", name: "MLP-Mixer B/32", config: r#"{"model_type":"timm_mixer","hidden_size":768,"tokens_mlp_dim":384,"channels_mlp_dim":3072,"num_hidden_layers":12,"patch_size":32}"#, parameters: Some(60_293_428), source: "https://github.com/huggingface/pytorch-image-models/blob/v1.0.31/timm/models/mlp_mixer.py" },
    Model { key: "mixer-l-32", name: "MLP-Mixer L/32", config: r#"{"model_type":"timm_mixer","hidden_size":1024,"tokens_mlp_dim":512,"channels_mlp_dim":4096,"num_hidden_layers":24,"patch_size":32}"#, parameters: Some(206_939_264), source: "https://github.com/huggingface/pytorch-image-models/blob/v1.0.31/timm/models/mlp_mixer.py" },
    Model { key: "mixer-l-16", name: "MLP-Mixer L/16", config: r#"{"model_type":"timm_mixer","hidden_size":1024,"tokens_mlp_dim":512,"channels_mlp_dim":4096,"num_hidden_layers":24,"patch_size":16}"#, parameters: Some(208_196_168), source: "https://github.com/huggingface/pytorch-image-models/blob/v1.0.31/timm/models/mlp_mixer.py" },

    // timm_swin
    Model { key: "swin-tiny", name: "Swin tiny", config: r#"{"model_type":"timm_swin","embed_dim":96,"depths_3":6}"#, parameters: Some(28_288_354), source: "https://github.com/huggingface/pytorch-image-models/blob/v1.0.31/timm/models/swin_transformer.py" },
    Model { key: "swin-small", name: "Swin small", config: r#"{"model_type":"timm_swin","embed_dim":96,"depths_3":18}"#, parameters: Some(49_606_258), source: "https://github.com/huggingface/pytorch-image-models/blob/v1.0.31/timm/models/swin_transformer.py" },
    Model { key: "swin-base", name: "Swin base", config: r#"{"model_type":"timm_swin","embed_dim":128,"depths_3":18}"#, parameters: Some(87_768_224), source: "https://github.com/huggingface/pytorch-image-models/blob/v1.0.31/timm/models/swin_transformer.py" },
    Model { key: "swin-base-384", name: "Swin base 384", config: r#"{"model_type":"timm_swin","embed_dim":128,"depths_3":18,"window_size":12,"image_size":384}"#, parameters: Some(87_903_584), source: "https://github.com/huggingface/pytorch-image-models/blob/v1.0.31/timm/models/swin_transformer.py" },
    Model { key: "swin-large", name: "Swin large", config: r#"{"model_type":"timm_swin","embed_dim":192,"depths_3":18}"#, parameters: Some(196_532_476), source: "https://github.com/huggingface/pytorch-image-models/blob/v1.0.31/timm/models/swin_transformer.py" },

    // torchvision_vit
    Model { key: "vit-b-16", name: "ViT-B/16 (torchvision)", config: r#"{"model_type":"torchvision_vit","hidden_size":768,"intermediate_size":3072,"num_hidden_layers":12,"num_attention_heads":12,"image_size":224,"patch_size":16}"#, parameters: Some(86_567_656), source: "https://github.com/pytorch/vision/blob/v0.26.0/torchvision/models/vision_transformer.py" },
    Model { key: "vit-b-16-384", name: "ViT-B/16 384 (torchvision)", config: r#"{"model_type":"torchvision_vit","hidden_size":768,"intermediate_size":3072,"num_hidden_layers":12,"num_attention_heads":12,"image_size":384,"patch_size":16}"#, parameters: Some(86_859_496), source: "https://github.com/pytorch/vision/blob/v0.26.0/torchvision/models/vision_transformer.py" },
    Model { key: "vit-b-32", name: "ViT-B/32 (torchvision)", config: r#"{"model_type":"torchvision_vit","hidden_size":768,"intermediate_size":3072,"num_hidden_layers":12,"num_attention_heads":12,"image_size":224,"patch_size":32}"#, parameters: Some(88_224_232), source: "https://github.com/pytorch/vision/blob/v0.26.0/torchvision/models/vision_transformer.py" },
    Model { key: "vit-l-16", name: "ViT-L/16 (torchvision)", config: r#"{"model_type":"torchvision_vit","hidden_size":1024,"intermediate_size":4096,"num_hidden_layers":24,"num_attention_heads":16,"image_size":224,"patch_size":16}"#, parameters: Some(304_326_632), source: "https://github.com/pytorch/vision/blob/v0.26.0/torchvision/models/vision_transformer.py" },
    Model { key: "vit-l-16-512", name: "ViT-L/16 512 (torchvision)", config: r#"{"model_type":"torchvision_vit","hidden_size":1024,"intermediate_size":4096,"num_hidden_layers":24,"num_attention_heads":16,"image_size":512,"patch_size":16}"#, parameters: Some(305_174_504), source: "https://github.com/pytorch/vision/blob/v0.26.0/torchvision/models/vision_transformer.py" },
    Model { key: "vit-l-32", name: "ViT-L/32 (torchvision)", config: r#"{"model_type":"torchvision_vit","hidden_size":1024,"intermediate_size":4096,"num_hidden_layers":24,"num_attention_heads":16,"image_size":224,"patch_size":32}"#, parameters: Some(306_535_400), source: "https://github.com/pytorch/vision/blob/v0.26.0/torchvision/models/vision_transformer.py" },
    Model { key: "vit-h-14", name: "ViT-H/14 (torchvision)", config: r#"{"model_type":"torchvision_vit","hidden_size":1280,"intermediate_size":5120,"num_hidden_layers":32,"num_attention_heads":16,"image_size":224,"patch_size":14}"#, parameters: Some(632_045_800), source: "https://github.com/pytorch/vision/blob/v0.26.0/torchvision/models/vision_transformer.py" },
    Model { key: "vit-h-14-518", name: "ViT-H/14 518 (torchvision)", config: r#"{"model_type":"torchvision_vit","hidden_size":1280,"intermediate_size":5120,"num_hidden_layers":32,"num_attention_heads":16,"image_size":518,"patch_size":14}"#, parameters: Some(633_470_440), source: "https://github.com/pytorch/vision/blob/v0.26.0/torchvision/models/vision_transformer.py" },

    // vit
    // DeiT without distillation is published as a ViT.
    Model { key: "deit-tiny", name: "DeiT tiny", config: r#"{"model_type":"vit","hidden_size":192,"intermediate_size":768,"num_hidden_layers":12,"num_attention_heads":3,"image_size":224,"patch_size":16,"num_labels":1000}"#, parameters: Some(5_717_416), source: "https://huggingface.co/facebook/deit-tiny-patch16-224/blob/main/config.json" },
    Model { key: "deit-small", name: "DeiT small", config: r#"{"model_type":"vit","hidden_size":384,"intermediate_size":1536,"num_hidden_layers":12,"num_attention_heads":6,"image_size":224,"patch_size":16,"num_labels":1000}"#, parameters: Some(22_050_664), source: "https://huggingface.co/facebook/deit-small-patch16-224/blob/main/config.json" },
    Model { key: "deit-base", name: "DeiT base", config: r#"{"model_type":"vit","hidden_size":768,"intermediate_size":3072,"num_hidden_layers":12,"num_attention_heads":12,"image_size":224,"patch_size":16,"num_labels":1000}"#, parameters: Some(86_567_656), source: "https://huggingface.co/facebook/deit-base-patch16-224/blob/main/config.json" },
    Model { key: "vit-base", name: "ViT base", config: r#"{"model_type":"vit","hidden_size":768,"intermediate_size":3072,"num_hidden_layers":12,"num_attention_heads":12,"image_size":224,"patch_size":16,"num_labels":1000}"#, parameters: Some(86_567_656), source: "https://huggingface.co/google/vit-base-patch16-224/blob/main/config.json" },
    Model { key: "vit-large", name: "ViT large", config: r#"{"model_type":"vit","hidden_size":1024,"intermediate_size":4096,"num_hidden_layers":24,"num_attention_heads":16,"image_size":224,"patch_size":16,"num_labels":1000}"#, parameters: Some(304_326_632), source: "https://huggingface.co/google/vit-large-patch16-224/blob/main/config.json" },
    // Published without a classifier; counted with one of 1,000 classes.
    Model { key: "vit-huge", name: "ViT huge", config: r#"{"model_type":"vit","hidden_size":1280,"intermediate_size":5120,"num_hidden_layers":32,"num_attention_heads":16,"image_size":224,"patch_size":14,"num_labels":1000}"#, parameters: Some(632_045_800), source: "https://huggingface.co/google/vit-huge-patch14-224-in21k/blob/main/config.json" },

    // xlm-roberta
    Model { key: "xlm-roberta-base", name: "XLM-RoBERTa base", config: r#"{"model_type":"xlm-roberta","hidden_size":768,"intermediate_size":3072,"num_hidden_layers":12,"num_attention_heads":12,"vocab_size":250002,"max_position_embeddings":514,"type_vocab_size":1}"#, parameters: Some(278_295_186), source: "https://huggingface.co/FacebookAI/xlm-roberta-base/blob/main/config.json" },
    Model { key: "xlm-roberta-large", name: "XLM-RoBERTa large", config: r#"{"model_type":"xlm-roberta","hidden_size":1024,"intermediate_size":4096,"num_hidden_layers":24,"num_attention_heads":16,"vocab_size":250002,"max_position_embeddings":514,"type_vocab_size":1}"#, parameters: Some(560_142_482), source: "https://huggingface.co/FacebookAI/xlm-roberta-large/blob/main/config.json" },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_enough_rows() {
        assert!(MODELS.len() >= 50, "{}", MODELS.len());
    }

    #[test]
    fn keys_are_unique_and_lower_case() {
        for (index, model) in MODELS.iter().enumerate() {
            let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
            assert!(!model.key.is_empty() && model.key.chars().all(allowed), "{}", model.key);
            assert!(MODELS[..index].iter().all(|earlier| earlier.key != model.key), "{} twice", model.key);
            assert!(MODELS[..index].iter().all(|earlier| earlier.name != model.name), "{} twice", model.name);
        }
    }

    #[test]
    fn sources_are_https() {
        for model in MODELS {
            assert!(model.source.starts_with("https://"), "{}", model.key);
        }
    }

    #[test]
    fn configs_are_compact_json_that_starts_with_the_family() {
        for model in MODELS {
            let parsed: serde_json::Value = serde_json::from_str(model.config).expect(model.key);
            assert!(parsed.is_object(), "{}", model.key);
            assert!(model.config.starts_with("{\"model_type\":\""), "{}", model.key);
            assert!(!model.config.contains(char::is_whitespace), "{}", model.key);
        }
    }

    #[test]
    fn rows_are_sorted_by_family_then_size() {
        let family = |model: &Model| model.config.split('"').nth(3);
        for pair in MODELS.windows(2) {
            let (a, b) = (&pair[0], &pair[1]);
            assert!(family(a) <= family(b), "{} before {}", a.key, b.key);
            if let (Some(small), Some(large)) = (a.parameters, b.parameters)
                && family(a) == family(b)
            {
                assert!(small <= large, "{} before {}", a.key, b.key);
            }
        }
    }
}
