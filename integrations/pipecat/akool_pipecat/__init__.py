"""A face for Pipecat: an AKOOL streaming avatar speaks what the pipeline's TTS says.

pipeline = Pipeline([…, tts, AkoolVideoService("dvp_Tristan_cloth2_1080P", room=room), output])
"""

from akool_pipecat.video import SAMPLE_RATE, AkoolVideoService

__all__ = ["SAMPLE_RATE", "AkoolVideoService"]
