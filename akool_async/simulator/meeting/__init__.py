"""The avatar of `scene_mode="meeting"`: it plays the audio it is sent, segment after segment."""
