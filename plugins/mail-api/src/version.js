// As in package.json and in the workspace's Cargo.toml; a test compares them.

export const version = '0.1.0';
