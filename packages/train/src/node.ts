// The Node part of @anymc3d/train: files and folders.
export {};
