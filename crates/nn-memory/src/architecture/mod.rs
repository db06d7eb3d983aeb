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
mod deberta_v2;
mod deepseek_v2;
mod deepseek_v3;
mod deit;
mod distilbert;
mod electra;
mod encoder;
mod exaone4;
mod falcon;
mod gemma;
mod gemma2;
mod gemma3;
mod glm;
mod glm4;
mod glm4_moe;
mod glm4_moe_lite;
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
mod llama4;
mod minimax_m2;
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
mod positions;
mod qwen2;
mod qwen2_moe;
mod qwen3;
mod qwen3_moe;
mod roberta;
mod seed_oss;
mod seq2seq;
mod smollm3;
mod sparse;
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
pub use read::{ConfigError, LmHead, Remark};

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

/// What a family reads, and what it makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Tokens, to which it adds one after the other.
    Decoder,
    /// Tokens, to name some or all of them.
    Encoder,
    /// Tokens, from which a decoder of its own makes others.
    EncoderDecoder,
    /// Images.
    Images,
    /// Vectors.
    Vectors,
}

/// How a family's code attends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attending {
    /// By a kernel that is chosen.
    Kernels,
    /// In operators of its own, whatever is chosen.
    WrittenOut,
    /// Not at all.
    None,
}

/// A family of architectures, and how it is described and lowered.
macro_rules! families {
    ($(
        $(#[$doc:meta])*
        $family:ident, $model_type:literal, $name:literal, $kind:ident, $attention:ident, $module:ident::$config:ident;
    )*) => {
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

            const fn kind(self) -> Kind {
                match self {
                    $(Self::$family => Kind::$kind,)*
                }
            }

            const fn attention(self) -> Attending {
                match self {
                    $(Self::$family => Attending::$attention,)*
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

// A new family is a row here and a file: `model_type`, name, what it reads and makes, how it attends, its configuration.
families! {
    /// GPT-2, and GPT-3 by its shape.
    Gpt2, "gpt2", "GPT-2", Decoder, Kernels, gpt2::Gpt2;
    /// Llama 1 to 3.
    Llama, "llama", "Llama", Decoder, Kernels, llama::Llama;
    /// Llama 4 without its vision tower.
    Llama4, "llama4_text", "Llama 4", Decoder, Kernels, llama4::Llama4;
    /// Mistral.
    Mistral, "mistral", "Mistral", Decoder, Kernels, mistral::Mistral;
    /// Ministral 3.
    Ministral3, "ministral3", "Ministral 3", Decoder, Kernels, ministral3::Ministral3;
    /// Mixtral: experts in Mistral's blocks.
    Mixtral, "mixtral", "Mixtral", Decoder, Kernels, mixtral::Mixtral;
    /// Qwen 1.5, 2 and 2.5.
    Qwen2, "qwen2", "Qwen2", Decoder, Kernels, qwen2::Qwen2;
    /// Qwen 3.
    Qwen3, "qwen3", "Qwen3", Decoder, Kernels, qwen3::Qwen3;
    /// Qwen 1.5 and 2 with experts.
    Qwen2Moe, "qwen2_moe", "Qwen2 MoE", Decoder, Kernels, qwen2_moe::Qwen2Moe;
    /// Qwen 3 with experts.
    Qwen3Moe, "qwen3_moe", "Qwen3 MoE", Decoder, Kernels, qwen3_moe::Qwen3Moe;
    /// DeepSeek-V2.
    DeepseekV2, "deepseek_v2", "DeepSeek-V2", Decoder, Kernels, deepseek_v2::DeepseekV2;
    /// DeepSeek-V3 and R1.
    DeepseekV3, "deepseek_v3", "DeepSeek-V3", Decoder, Kernels, deepseek_v3::DeepseekV3;
    /// Gemma 1.
    Gemma, "gemma", "Gemma", Decoder, Kernels, gemma::Gemma;
    /// Gemma 2.
    Gemma2, "gemma2", "Gemma 2", Decoder, Kernels, gemma2::Gemma2;
    /// Gemma 3 without its vision tower.
    Gemma3, "gemma3_text", "Gemma 3", Decoder, Kernels, gemma3::Gemma3;
    /// OPT.
    Opt, "opt", "OPT", Decoder, Kernels, opt::Opt;
    /// GPT-Neo.
    GptNeo, "gpt_neo", "GPT-Neo", Decoder, WrittenOut, gpt_neo::GptNeo;
    /// GPT-J.
    GptJ, "gptj", "GPT-J", Decoder, WrittenOut, gptj::GptJ;
    /// GPT-NeoX, Pythia.
    GptNeoX, "gpt_neox", "GPT-NeoX", Decoder, Kernels, gpt_neox::GptNeoX;
    /// gpt-oss.
    GptOss, "gpt_oss", "gpt-oss", Decoder, WrittenOut, gpt_oss::GptOss;
    /// BLOOM.
    Bloom, "bloom", "BLOOM", Decoder, WrittenOut, bloom::Bloom;
    /// MPT.
    Mpt, "mpt", "MPT", Decoder, WrittenOut, mpt::Mpt;
    /// Phi 1, 1.5 and 2.
    Phi, "phi", "Phi", Decoder, Kernels, phi::Phi;
    /// Phi 3 and 4.
    Phi3, "phi3", "Phi 3", Decoder, Kernels, phi3::Phi3;
    /// Falcon.
    Falcon, "falcon", "Falcon", Decoder, Kernels, falcon::Falcon;
    /// OLMo.
    Olmo, "olmo", "OLMo", Decoder, Kernels, olmo::Olmo;
    /// OLMo 2.
    Olmo2, "olmo2", "OLMo 2", Decoder, Kernels, olmo2::Olmo2;
    /// OLMo 3.
    Olmo3, "olmo3", "OLMo 3", Decoder, Kernels, olmo3::Olmo3;
    /// OLMoE: OLMo with experts.
    Olmoe, "olmoe", "OLMoE", Decoder, Kernels, olmoe::Olmoe;
    /// Granite 3.
    Granite, "granite", "Granite", Decoder, Kernels, granite::Granite;
    /// Command R and Aya.
    Cohere, "cohere", "Cohere", Decoder, Kernels, cohere::Cohere;
    /// Command R7B and Command A.
    Cohere2, "cohere2", "Cohere 2", Decoder, Kernels, cohere2::Cohere2;
    /// GLM-4 of 2024.
    Glm, "glm", "GLM", Decoder, Kernels, glm::Glm;
    /// GLM-4-0414 and GLM-Z1.
    Glm4, "glm4", "GLM-4", Decoder, Kernels, glm4::Glm4;
    /// GLM-4.5 and 4.6.
    Glm4Moe, "glm4_moe", "GLM-4.5", Decoder, Kernels, glm4_moe::Glm4Moe;
    /// GLM-4.7-Flash.
    Glm4MoeLite, "glm4_moe_lite", "GLM-4.7-Flash", Decoder, Kernels, glm4_moe_lite::Glm4MoeLite;
    /// MiniMax-M2.
    MiniMaxM2, "minimax_m2", "MiniMax-M2", Decoder, Kernels, minimax_m2::MiniMaxM2;
    /// Seed-OSS.
    SeedOss, "seed_oss", "Seed-OSS", Decoder, Kernels, seed_oss::SeedOss;
    /// StableLM.
    StableLm, "stablelm", "StableLM", Decoder, Kernels, stablelm::StableLm;
    /// EXAONE 4.
    Exaone4, "exaone4", "EXAONE 4", Decoder, Kernels, exaone4::Exaone4;
    /// SmolLM 3.
    SmolLm3, "smollm3", "SmolLM 3", Decoder, Kernels, smollm3::SmolLm3;
    /// StarCoder2.
    Starcoder2, "starcoder2", "StarCoder2", Decoder, Kernels, starcoder2::Starcoder2;
    /// T5 and FLAN-T5.
    T5, "t5", "T5", EncoderDecoder, Kernels, t5::T5;
    /// mT5.
    Mt5, "mt5", "mT5", EncoderDecoder, Kernels, mt5::Mt5;
    /// BERT.
    Bert, "bert", "BERT", Encoder, Kernels, bert::Bert;
    /// RoBERTa.
    Roberta, "roberta", "RoBERTa", Encoder, Kernels, roberta::Roberta;
    /// XLM-RoBERTa.
    XlmRoberta, "xlm-roberta", "XLM-RoBERTa", Encoder, Kernels, xlm_roberta::XlmRoberta;
    /// CamemBERT.
    Camembert, "camembert", "CamemBERT", Encoder, Kernels, camembert::Camembert;
    /// DistilBERT.
    DistilBert, "distilbert", "DistilBERT", Encoder, Kernels, distilbert::DistilBert;
    /// ELECTRA.
    Electra, "electra", "ELECTRA", Encoder, Kernels, electra::Electra;
    /// ALBERT.
    Albert, "albert", "ALBERT", Encoder, Kernels, albert::Albert;
    /// ModernBERT.
    ModernBert, "modernbert", "ModernBERT", Encoder, Kernels, modernbert::ModernBert;
    /// DeBERTa-v2 and v3.
    DebertaV2, "deberta-v2", "DeBERTa-v2", Encoder, WrittenOut, deberta_v2::DebertaV2;
    /// BART.
    Bart, "bart", "BART", EncoderDecoder, Kernels, bart::Bart;
    /// ViT as transformers has it.
    Vit, "vit", "ViT", Images, Kernels, vit::Vit;
    /// DeiT as transformers has it.
    Deit, "deit", "DeiT", Images, Kernels, deit::Deit;
    /// ViT and DeiT as timm has them.
    TimmVit, "timm_vit", "ViT (timm)", Images, Kernels, timm_vit::TimmVit;
    /// BEiT as timm has it.
    TimmBeit, "timm_beit", "BEiT (timm)", Images, Kernels, timm_beit::TimmBeit;
    /// EVA-02 as timm has it.
    TimmEva, "timm_eva", "EVA-02 (timm)", Images, Kernels, timm_eva::TimmEva;
    /// ViT as torchvision has it.
    TorchvisionVit, "torchvision_vit", "ViT (torchvision)", Images, Kernels, torchvision_vit::TorchvisionVit;
    /// Swin as timm has it.
    TimmSwin, "timm_swin", "Swin (timm)", Images, WrittenOut, timm_swin::TimmSwin;
    /// MLP-Mixer as timm has it.
    TimmMixer, "timm_mixer", "MLP-Mixer (timm)", Images, None, timm_mixer::TimmMixer;
    /// A multilayer perceptron.
    Mlp, "mlp", "Multilayer perceptron", Vectors, None, mlp::Mlp;
    /// Logistic regression.
    LogisticRegression, "logistic_regression", "Logistic regression", Vectors, None, mlp::LogisticRegression;
}

impl Family {
    /// Whether its inference goes on token by token, with a key-value cache.
    pub const fn decodes(self) -> bool {
        matches!(self.kind(), Kind::Decoder)
    }

    /// Whether it reads tokens, so that the sequence length is asked for.
    pub const fn reads_tokens(self) -> bool {
        matches!(self.kind(), Kind::Decoder | Kind::Encoder | Kind::EncoderDecoder)
    }

    /// Whether a decoder of its own follows the encoder, so that the target length is asked for.
    pub const fn has_target(self) -> bool {
        matches!(self.kind(), Kind::EncoderDecoder)
    }

    /// Whether it can end in one label for the sequence as well as in logits for each token.
    pub const fn takes_head(self) -> bool {
        matches!(self.kind(), Kind::Encoder)
    }

    /// Whether it ends in one label per sample where `head` is asked for, so that the loss is a choice: that of language
    /// models is the library's.
    pub fn labels_samples(self, head: Head) -> bool {
        if self.takes_head() { head == Head::Classification } else { !self.reads_tokens() }
    }

    /// Whether it attends.
    pub const fn attends(self) -> bool {
        !matches!(self.attention(), Attending::None)
    }

    /// Whether the kernel of attention is a choice.
    pub const fn chooses_attention(self) -> bool {
        matches!(self.attention(), Attending::Kernels)
    }

    /// Whether it drops anything in training.
    pub fn drops(self) -> bool {
        self.fields().iter().any(|field| field.key.contains("drop"))
    }
}

impl Config {
    /// The program of a network.
    ///
    /// # Errors
    /// Where fields contradict one another, or a tensor passes the limits of 64 bits.
    pub(crate) fn lower(&self, request: &Request) -> Result<Program, ConfigError> {
        let Request { mut run, pass, .. } = *request;
        if self.family().attention() == Attending::WrittenOut {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_family_is_agrees_with_its_fields() {
        for &family in Family::EVERY {
            let has = |named: &dyn Fn(&str) -> bool| family.fields().iter().any(|field| named(field.key));
            assert_eq!(family.reads_tokens(), has(&|key| key == "vocab_size"), "{family:?}");
            // ModernBERT has a bias of that name in its head, and no decoder.
            let second = has(&|key| key == "decoder_layers" || key == "num_decoder_layers");
            assert_eq!(family.has_target(), second, "{family:?}");
            assert_eq!(family.attends(), has(&|key| key.contains("head")), "{family:?}");
            // Who names a label for a whole sequence goes on with none.
            let labels = has(&|key| key == "num_labels" || key == "num_classes");
            assert!(!(family.decodes() && labels), "{family:?}");
            assert!(!family.takes_head() || labels, "{family:?}");
        }
    }
}
