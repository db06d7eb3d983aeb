//! Networks described as Hugging Face's `config.json` describes them, one file a family.
//!
//! A [`Config`] holds a family's fields by their names there. Its family lowers it to a program of operators, as the
//! family's code in transformers calls them.

mod config;
mod decoder;
mod read;

mod albert;
mod bart;
mod bert;
mod bloom;
mod camembert;
mod cohere;
mod cohere2;
mod deepseek_v2;
mod deepseek_v3;
mod deit;
mod distilbert;
mod electra;
mod encoder;
mod falcon;
mod gemma;
mod gemma2;
mod gemma3;
mod glm;
mod glm4;
mod gpt2;
mod gpt_neo;
mod gpt_neox;
mod gpt_oss;
mod gptj;
mod granite;
mod image;
mod labels;
mod latent;
mod layer_types;
mod llama;
mod ministral3;
mod mistral;
mod mixtral;
mod mlp;
mod modernbert;
mod mpt;
mod mt5;
mod olmo;
mod olmo2;
mod olmo3;
mod olmoe;
mod opt;
mod phi;
mod phi3;
mod qwen2;
mod qwen2_moe;
mod qwen3;
mod qwen3_moe;
mod roberta;
mod seed_oss;
mod seq2seq;
mod smollm3;
mod stablelm;
mod starcoder2;
mod t5;
mod timm_beit;
mod timm_eva;
mod timm_mixer;
mod timm_swin;
mod timm_vit;
mod torchvision_vit;
mod unfollowed;
mod vit;
mod xlm_roberta;

pub use config::{Activation, Config, ConfigField, FieldKind, MOST_FIELDS};
pub use read::{ConfigError, Remark};

use crate::catalog::Multiprocessors;
use crate::program::{Builder, Layers, Mode, Program};
use crate::{Attention, Head, Run};

/// What a program is lowered for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    pub(crate) run: Run,
    pub(crate) pass: Pass,
    pub(crate) batch: u64,
    /// Tokens of each sample; of an encoder-decoder, of the encoder.
    pub(crate) length: u64,
    /// How many of repeated layers are written out.
    pub(crate) layers: Layers,
    /// What the device shares sums out to.
    pub(crate) multiprocessors: Multiprocessors,
}

/// Which pass it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// Forward and backward of all weights.
    Train,
    /// Forward and backward of adapters.
    Lora,
    /// Forward over the whole sequence, without autograd.
    Infer,
    /// Forward over one token more, the sequence in the cache.
    Decode,
}

impl Request {
    /// Positions from the first token that is seen to the last one of the pass.
    pub(crate) fn positions(&self) -> u64 {
        if self.pass == Pass::Decode { self.length + 1 } else { self.length }
    }
}

impl Pass {
    pub(crate) const fn trains(self) -> bool {
        matches!(self, Self::Train | Self::Lora)
    }
}

/// A family of architectures, and how it is described and lowered.
macro_rules! families {
    ($($(#[$doc:meta])* $family:ident, $model_type:literal, $name:literal, $module:ident::$config:ident;)*) => {
        /// A family of architectures: the `model_type` of `config.json`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Family {
            $($(#[$doc])* $family,)*
        }

        impl Family {
            /// Every family.
            pub(super) const EVERY: &'static [Self] = &[$(Self::$family,)*];

            /// As `config.json` writes it.
            pub const fn model_type(self) -> &'static str {
                match self {
                    $(Self::$family => $model_type,)*
                }
            }

            /// As people write it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$family => $name,)*
                }
            }

            /// The fields of its configuration, in the order of the form.
            pub const fn fields(self) -> &'static [ConfigField] {
                match self {
                    $(Self::$family => $module::$config::FIELDS,)*
                }
            }

            fn lower(self, codes: &[u64], b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
                match self {
                    $(Self::$family => $module::$config::decode(&mut codes.iter()).lower(b, request),)*
                }
            }
        }
    };
}

// A new family is a row here and a file.
families! {
    /// GPT-2, and GPT-3 by its shape.
    Gpt2, "gpt2", "GPT-2", gpt2::Gpt2;
    /// Llama 1 to 3.
    Llama, "llama", "Llama", llama::Llama;
    /// Mistral.
    Mistral, "mistral", "Mistral", mistral::Mistral;
    /// Ministral 3.
    Ministral3, "ministral3", "Ministral 3", ministral3::Ministral3;
    /// Mixtral: experts in Mistral's blocks.
    Mixtral, "mixtral", "Mixtral", mixtral::Mixtral;
    /// Qwen 1.5, 2 and 2.5.
    Qwen2, "qwen2", "Qwen2", qwen2::Qwen2;
    /// Qwen 3.
    Qwen3, "qwen3", "Qwen3", qwen3::Qwen3;
    /// Qwen 1.5 and 2 with experts.
    Qwen2Moe, "qwen2_moe", "Qwen2 MoE", qwen2_moe::Qwen2Moe;
    /// Qwen 3 with experts.
    Qwen3Moe, "qwen3_moe", "Qwen3 MoE", qwen3_moe::Qwen3Moe;
    /// DeepSeek-V2.
    DeepseekV2, "deepseek_v2", "DeepSeek-V2", deepseek_v2::DeepseekV2;
    /// DeepSeek-V3 and R1.
    DeepseekV3, "deepseek_v3", "DeepSeek-V3", deepseek_v3::DeepseekV3;
    /// Gemma 1.
    Gemma, "gemma", "Gemma", gemma::Gemma;
    /// Gemma 2.
    Gemma2, "gemma2", "Gemma 2", gemma2::Gemma2;
    /// Gemma 3 without its vision tower.
    Gemma3, "gemma3_text", "Gemma 3", gemma3::Gemma3;
    /// OPT.
    Opt, "opt", "OPT", opt::Opt;
    /// GPT-Neo.
    GptNeo, "gpt_neo", "GPT-Neo", gpt_neo::GptNeo;
    /// GPT-J.
    GptJ, "gptj", "GPT-J", gptj::GptJ;
    /// GPT-NeoX, Pythia.
    GptNeoX, "gpt_neox", "GPT-NeoX", gpt_neox::GptNeoX;
    /// gpt-oss.
    GptOss, "gpt_oss", "gpt-oss", gpt_oss::GptOss;
    /// BLOOM.
    Bloom, "bloom", "BLOOM", bloom::Bloom;
    /// MPT.
    Mpt, "mpt", "MPT", mpt::Mpt;
    /// Phi 1, 1.5 and 2.
    Phi, "phi", "Phi", phi::Phi;
    /// Phi 3 and 4.
    Phi3, "phi3", "Phi 3", phi3::Phi3;
    /// Falcon.
    Falcon, "falcon", "Falcon", falcon::Falcon;
    /// OLMo.
    Olmo, "olmo", "OLMo", olmo::Olmo;
    /// OLMo 2.
    Olmo2, "olmo2", "OLMo 2", olmo2::Olmo2;
    /// OLMo 3.
    Olmo3, "olmo3", "OLMo 3", olmo3::Olmo3;
    /// OLMoE: OLMo with experts.
    Olmoe, "olmoe", "OLMoE", olmoe::Olmoe;
    /// Granite 3.
    Granite, "granite", "Granite", granite::Granite;
    /// Command R and Aya.
    Cohere, "cohere", "Cohere", cohere::Cohere;
    /// Command R7B and Command A.
    Cohere2, "cohere2", "Cohere 2", cohere2::Cohere2;
    /// GLM-4 of 2024.
    Glm, "glm", "GLM", glm::Glm;
    /// GLM-4-0414 and GLM-Z1.
    Glm4, "glm4", "GLM-4", glm4::Glm4;
    /// Seed-OSS.
    SeedOss, "seed_oss", "Seed-OSS", seed_oss::SeedOss;
    /// StableLM.
    StableLm, "stablelm", "StableLM", stablelm::StableLm;
    /// SmolLM 3.
    SmolLm3, "smollm3", "SmolLM 3", smollm3::SmolLm3;
    /// StarCoder2.
    Starcoder2, "starcoder2", "StarCoder2", starcoder2::Starcoder2;
    /// T5 and FLAN-T5.
    T5, "t5", "T5", t5::T5;
    /// mT5.
    Mt5, "mt5", "mT5", mt5::Mt5;
    /// BERT.
    Bert, "bert", "BERT", bert::Bert;
    /// RoBERTa.
    Roberta, "roberta", "RoBERTa", roberta::Roberta;
    /// XLM-RoBERTa.
    XlmRoberta, "xlm-roberta", "XLM-RoBERTa", xlm_roberta::XlmRoberta;
    /// CamemBERT.
    Camembert, "camembert", "CamemBERT", camembert::Camembert;
    /// DistilBERT.
    DistilBert, "distilbert", "DistilBERT", distilbert::DistilBert;
    /// ELECTRA.
    Electra, "electra", "ELECTRA", electra::Electra;
    /// ALBERT.
    Albert, "albert", "ALBERT", albert::Albert;
    /// ModernBERT.
    ModernBert, "modernbert", "ModernBERT", modernbert::ModernBert;
    /// BART.
    Bart, "bart", "BART", bart::Bart;
    /// ViT as transformers has it.
    Vit, "vit", "ViT", vit::Vit;
    /// DeiT as transformers has it.
    Deit, "deit", "DeiT", deit::Deit;
    /// ViT and DeiT as timm has them.
    TimmVit, "timm_vit", "ViT (timm)", timm_vit::TimmVit;
    /// BEiT as timm has it.
    TimmBeit, "timm_beit", "BEiT (timm)", timm_beit::TimmBeit;
    /// EVA-02 as timm has it.
    TimmEva, "timm_eva", "EVA-02 (timm)", timm_eva::TimmEva;
    /// ViT as torchvision has it.
    TorchvisionVit, "torchvision_vit", "ViT (torchvision)", torchvision_vit::TorchvisionVit;
    /// Swin as timm has it.
    TimmSwin, "timm_swin", "Swin (timm)", timm_swin::TimmSwin;
    /// MLP-Mixer as timm has it.
    TimmMixer, "timm_mixer", "MLP-Mixer (timm)", timm_mixer::TimmMixer;
    /// A multilayer perceptron.
    Mlp, "mlp", "Multilayer perceptron", mlp::Mlp;
    /// Logistic regression.
    LogisticRegression, "logistic_regression", "Logistic regression", mlp::LogisticRegression;
}

impl Family {
    /// Whether its inference goes on token by token, with a key-value cache.
    pub const fn decodes(self) -> bool {
        !matches!(
            self,
            Self::T5
                | Self::Mt5
                | Self::Bart
                | Self::Bert
                | Self::Roberta
                | Self::XlmRoberta
                | Self::Camembert
                | Self::DistilBert
                | Self::Electra
                | Self::Albert
                | Self::ModernBert
                | Self::Vit
                | Self::Deit
                | Self::TimmVit
                | Self::TimmBeit
                | Self::TimmEva
                | Self::TorchvisionVit
                | Self::TimmSwin
                | Self::TimmMixer
                | Self::Mlp
                | Self::LogisticRegression
        )
    }
}

impl Config {
    /// The program of a network.
    ///
    /// # Errors
    /// Where fields contradict one another, or a tensor passes the limits of 64 bits.
    pub(crate) fn lower(&self, request: &Request) -> Result<Program, ConfigError> {
        let Request { mut run, pass, .. } = *request;
        if self.family().writes_attention_out() {
            run.attention = Attention::Eager;
        }
        let request = &Request { run, ..*request };
        let mut b = Builder::new(Mode {
            autograd: pass.trains(),
            trains_weights: pass == Pass::Train,
            training: pass.trains() && run.dropout,
            autocast: run.precision.autocast(),
            parameters: run.precision.parameters(),
            layers: request.layers,
            multiprocessors: request.multiprocessors,
        });
        b.attention = run.attention;
        b.lora = (pass == Pass::Lora).then_some(run.lora);
        self.family().lower(self.codes(), &mut b, request)?;
        b.finish().ok_or(ConfigError::TooLarge)
    }
}

/// What a family's runs have, as its fields tell.
impl Family {
    fn has(self, named: impl Fn(&str) -> bool) -> bool {
        self.fields().iter().any(|field| named(field.key))
    }

    /// Whether it reads tokens, so that the sequence length is asked for.
    pub fn reads_tokens(self) -> bool {
        self.has(|key| key == "vocab_size")
    }

    /// Whether a decoder of its own follows the encoder, so that the target length is asked for.
    pub fn has_target(self) -> bool {
        self.has(|key| key.starts_with("decoder_")) || self.has(|key| key == "num_decoder_layers")
    }

    /// Whether it can end in one label for the sequence as well as in logits for each token.
    pub fn takes_head(self) -> bool {
        self.reads_tokens() && !self.decodes() && !self.has_target()
    }

    /// Whether it ends in one label per sample where `head` is asked for, so that the loss is a choice: that of language
    /// models is the library's.
    pub fn labels_samples(self, head: Head) -> bool {
        if self.takes_head() { head == Head::Classification } else { !self.reads_tokens() }
    }

    /// Whether it attends.
    pub fn attends(self) -> bool {
        self.has(|key| key.contains("head"))
    }

    /// Whether the kernel of attention is a choice.
    pub fn chooses_attention(self) -> bool {
        self.attends() && !self.writes_attention_out()
    }

    /// Whether its code knows no other attention than the one that it writes out.
    const fn writes_attention_out(self) -> bool {
        matches!(self, Self::Bloom | Self::GptJ | Self::GptNeo | Self::GptOss | Self::Mpt | Self::TimmSwin)
    }

    /// Whether it drops anything in training.
    pub fn drops(self) -> bool {
        self.has(|key| key.contains("drop"))
    }
}
